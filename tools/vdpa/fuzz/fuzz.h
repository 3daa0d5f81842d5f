/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the fuzz targets share: the tool's main(), run in this process, between
 * a kernel and an output that do what the input says. See README for the
 * layout of an input.
 */

#ifndef VDPA_FUZZ_H
#define VDPA_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

/* First byte of an input: what the kernel is like */
#define KERNEL_NO_FAMILY	0x01
#define KERNEL_NO_GROUP		0x02	/* announces nothing, as mainline's */
#define KERNEL_ODD_FAMILY	0x04	/* the family, too, is answered by records */
#define KERNEL_FALLS_SILENT	0x08	/* when the records are used up */
#define KERNEL_REFUSES		0x10	/* the same, but with an error */
#define KERNEL_MODULE		0x20	/* has the module, says sysfs */

/* The part of an input that was not used yet */
struct input {
	const uint8_t *data;
	size_t left;
};

uint8_t input_byte(struct input *in);
const uint8_t *input_bytes(struct input *in, size_t len);

/* kernel.c */
void kernel_begin(uint8_t nature);
/* Datagrams and errors of receiving; used up before the kernel's own answers */
void kernel_records(struct input in);
void kernel_end(void);
/* One of them, as what a file holds */
struct input kernel_file(void);
bool kernel_pending(void);
unsigned int kernel_requests(void);
/* Before the memory that was received into goes away */
void kernel_forget_buffer(void);
/* The tool's checks of attributes say yes to everything: a fault, planted */
void kernel_plant_fault(void);

#define KERNEL_FD	900

/* What the linker's --wrap makes of libmnl's, besides mnl_attr_get_uN() */
const char *__real_mnl_attr_get_str(const struct nlattr *attr);
const char *__wrap_mnl_attr_get_str(const struct nlattr *attr);
int __real_mnl_attr_validate(const struct nlattr *attr, enum mnl_attr_data_type type);
int __wrap_mnl_attr_validate(const struct nlattr *attr, enum mnl_attr_data_type type);
uint16_t __real_mnl_attr_get_type(const struct nlattr *attr);
uint16_t __wrap_mnl_attr_get_type(const struct nlattr *attr);

/* process.c */
struct captured {
	char *text;
	size_t len;
	size_t size;
};

struct process {
	uint8_t nature;		/* of the kernel */
	size_t room;		/* what stdout takes before the disk is full */
	unsigned int fail_at;	/* the n-th allocation fails; 0: none */
	unsigned int allocations;
	bool json;		/* the option was given */
	bool batch;		/* and that for commands from a file */
	unsigned int open;	/* files */
	struct dirent *entry;	/* the next one of the directory being read */
	struct input file;	/* what is left of the one being read */
	bool file_begun;
	bool out_failed;	/* something did not fit stdout */
	struct captured out, err;
};

extern struct process process;

void process_begin(uint8_t nature, uint8_t room, uint8_t fail_at);
void process_end(void);
/* Says what is wrong, and all about the run; then the fuzzer keeps the input */
void fail(const char *what) __attribute__((noreturn));

/* oracle.c */

int LLVMFuzzerInitialize(int *argc, char ***argv);
/* Each target has its own */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Runs the tool; @head is the three bytes that begin an input */
void tool_run(const uint8_t head[3], struct input records, int argc, char **argv);

#endif
