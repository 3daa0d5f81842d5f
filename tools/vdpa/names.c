// SPDX-License-Identifier: GPL-2.0
/*
 * What numbers mean: classes and feature bits, as in the virtio uapi headers.
 * The numbers stand here so that the tool builds with any kernel's headers;
 * the tests compare them with those installed.
 */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "vdpa.h"

/* Where iproute2 has two names for a class, type_name is the other one */
struct class {
	const char *name;
	const char *type_name;
	const char *alias;
	const char *const *features;	/* by bit */
	unsigned int n_features;
};

#define FEATURES(table) .features = (table), .n_features = ARRAY_SIZE(table)

static const char *const net_features[] = {
	[0] = "CSUM",
	[1] = "GUEST_CSUM",
	[2] = "CTRL_GUEST_OFFLOADS",
	[3] = "MTU",
	[5] = "MAC",
	[6] = "GSO",
	[7] = "GUEST_TSO4",
	[8] = "GUEST_TSO6",
	[9] = "GUEST_ECN",
	[10] = "GUEST_UFO",
	[11] = "HOST_TSO4",
	[12] = "HOST_TSO6",
	[13] = "HOST_ECN",
	[14] = "HOST_UFO",
	[15] = "MRG_RXBUF",
	[16] = "STATUS",
	[17] = "CTRL_VQ",
	[18] = "CTRL_RX",
	[19] = "CTRL_VLAN",
	[20] = "CTRL_RX_EXTRA",
	[21] = "GUEST_ANNOUNCE",
	[22] = "MQ",
	[23] = "CTRL_MAC_ADDR",
	[50] = "DEVICE_STATS",
	[52] = "VQ_NOTF_COAL",
	[53] = "NOTF_COAL",
	[54] = "GUEST_USO4",
	[55] = "GUEST_USO6",
	[56] = "HOST_USO",
	[57] = "HASH_REPORT",
	[59] = "GUEST_HDRLEN",
	[60] = "RSS",
	[61] = "RSC_EXT",
	[62] = "STANDBY",
	[63] = "SPEED_DUPLEX",
};

static const char *const block_features[] = {
	[0] = "BARRIER",
	[1] = "SIZE_MAX",
	[2] = "SEG_MAX",
	[4] = "GEOMETRY",
	[5] = "RO",
	[6] = "BLK_SIZE",
	[7] = "SCSI",
	[9] = "FLUSH",
	[10] = "TOPOLOGY",
	[11] = "CONFIG_WCE",
	[12] = "MQ",
	[13] = "DISCARD",
	[14] = "WRITE_ZEROES",
	[16] = "SECURE_ERASE",
	[17] = "ZONED",
};

static const char *const console_features[] = {
	[0] = "SIZE",
	[1] = "MULTIPORT",
	[2] = "EMERG_WRITE",
};

static const char *const balloon_features[] = {
	[0] = "MUST_TELL_HOST",
	[1] = "STATS_VQ",
	[2] = "DEFLATE_ON_OOM",
	[3] = "FREE_PAGE_HINT",
	[4] = "PAGE_POISON",
	[5] = "REPORTING",
};

static const char *const scsi_features[] = {
	[0] = "INOUT",
	[1] = "HOTPLUG",
	[2] = "CHANGE",
	[3] = "T10_PI",
};

static const char *const gpu_features[] = {
	[0] = "VIRGL",
	[1] = "EDID",
	[2] = "RESOURCE_UUID",
	[3] = "RESOURCE_BLOB",
	[4] = "CONTEXT_INIT",
};

static const char *const vsock_features[] = {
	[1] = "SEQPACKET",
};

static const char *const iommu_features[] = {
	[0] = "INPUT_RANGE",
	[1] = "DOMAIN_RANGE",
	[2] = "MAP_UNMAP",
	[3] = "BYPASS",
	[4] = "PROBE",
	[5] = "MMIO",
	[6] = "BYPASS_CONFIG",
};

static const char *const mem_features[] = {
	[0] = "ACPI_PXM",
	[1] = "UNPLUGGED_INACCESSIBLE",
	[2] = "PERSISTENT_SUSPEND",
};

static const char *const pmem_features[] = {
	[0] = "SHMEM_REGION",
};

static const char *const scmi_features[] = {
	[0] = "P2A_CHANNELS",
	[1] = "SHARED_MEMORY",
};

static const char *const i2c_features[] = {
	[0] = "ZERO_LENGTH_REQUEST",
};

static const char *const bt_features[] = {
	[0] = "VND_HCI",
	[1] = "MSFT_EXT",
	[2] = "AOSP_EXT",
	[3] = "CONFIG_V2",
};

static const char *const gpio_features[] = {
	[0] = "IRQ",
};

/* Of every class, unless its own table has the bit */
static const char *const transport_features[] = {
	[24] = "NOTIFY_ON_EMPTY",
	[27] = "ANY_LAYOUT",
	[28] = "RING_INDIRECT_DESC",
	[29] = "RING_EVENT_IDX",
	[32] = "VERSION_1",
	[33] = "ACCESS_PLATFORM",
	[34] = "RING_PACKED",
	[35] = "IN_ORDER",
	[36] = "ORDER_PLATFORM",
	[37] = "SR_IOV",
	[38] = "NOTIFICATION_DATA",
	[39] = "NOTIF_CONFIG_DATA",
	[40] = "RING_RESET",
	[41] = "ADMIN_VQ",
};

static const char *const backend_features[] = {
	[1] = "IOTLB_MSG_V2",
	[2] = "IOTLB_BATCH",
	[3] = "IOTLB_ASID",
	[4] = "SUSPEND",
	[5] = "RESUME",
	[6] = "ENABLE_AFTER_DRIVER_OK",
	[7] = "DESC_ASID",
	[8] = "IOTLB_PERSIST",
};

/* By virtio device id */
static const struct class classes[] = {
	[1] = { "net", .type_name = "network", FEATURES(net_features) },
	[2] = { "block", .alias = "blk", FEATURES(block_features) },
	[3] = { "console", FEATURES(console_features) },
	[4] = { "rng" },
	[5] = { "balloon", FEATURES(balloon_features) },
	[6] = { "iomem" },
	[7] = { "rpmsg" },
	[8] = { "scsi", FEATURES(scsi_features) },
	[9] = { "9p" },
	[10] = { "mac80211-wlan" },
	[11] = { "rproc-serial" },
	[12] = { "caif" },
	[13] = { "memory-balloon" },
	[16] = { "gpu", FEATURES(gpu_features) },
	[17] = { "clock" },
	[18] = { "input" },
	[19] = { "vsock", FEATURES(vsock_features) },
	[20] = { "crypto" },
	[21] = { "signal-dist" },
	[22] = { "pstore" },
	[23] = { "iommu", FEATURES(iommu_features) },
	[24] = { "mem", FEATURES(mem_features) },
	[25] = { "sound", .alias = "snd" },
	[26] = { "fs" },
	[27] = { "pmem", FEATURES(pmem_features) },
	[28] = { "rpmb" },
	[29] = { "mac80211-hwsim" },
	[30] = { "video-encoder" },
	[31] = { "video-decoder" },
	[32] = { "scmi", FEATURES(scmi_features) },
	[33] = { "nitro-sec-mod" },
	[34] = { "i2c-adapter", .alias = "i2c", FEATURES(i2c_features) },
	[35] = { "watchdog" },
	[36] = { "can" },
	[37] = { "dmabuf" },
	[38] = { "param-serv" },
	[39] = { "audio-policy" },
	[40] = { "bt", FEATURES(bt_features) },
	[41] = { "gpio", FEATURES(gpio_features) },
};

const char *class_short_name(uint32_t id)
{
	return id < ARRAY_SIZE(classes) ? classes[id].name : NULL;
}

const char *class_type_name(uint32_t id)
{
	if (id < ARRAY_SIZE(classes) && classes[id].type_name)
		return classes[id].type_name;
	return class_short_name(id);
}

static bool same_name(const char *name, const char *word)
{
	return name && strcmp(name, word) == 0;
}

bool class_by_name(const char *name, uint32_t *id)
{
	uint32_t i;

	for (i = 0; i < ARRAY_SIZE(classes); i++) {
		if (same_name(classes[i].name, name) ||
		    same_name(classes[i].type_name, name) ||
		    same_name(classes[i].alias, name)) {
			*id = i;
			return true;
		}
	}
	return false;
}

void suggest_classes(struct suggestion *near)
{
	uint32_t i;

	for (i = 0; i < ARRAY_SIZE(classes); i++)
		if (classes[i].name)
			suggest_from(near, classes[i].name);
}

static const char *class_feature(uint32_t id, unsigned int bit)
{
	if (id >= ARRAY_SIZE(classes) || bit >= classes[id].n_features)
		return NULL;
	return classes[id].features[bit];
}

/* A bit that means one thing to net and another to block has no name */
const char *feature_name(uint64_t set, unsigned int bit)
{
	const char *name;
	uint32_t id;

	if (bit < ARRAY_SIZE(transport_features) && transport_features[bit])
		return transport_features[bit];
	if (!set)
		return NULL;
	id = __builtin_ctzll(set);
	name = class_feature(id, bit);
	for (set &= set - 1; name && set; set &= set - 1) {
		id = __builtin_ctzll(set);
		if (!same_name(class_feature(id, bit), name))
			return NULL;
	}
	return name;
}

static bool bit_of(const char *const *table, unsigned int size, const char *name,
		   unsigned int *bit)
{
	for (*bit = 0; *bit < size; ++*bit)
		if (table[*bit] && strcasecmp(table[*bit], name) == 0)
			return true;
	return false;
}

/* "bit_N", as those without a name are shown */
static bool bit_by_number(const char *name, unsigned int *bit)
{
	char *end;

	if (strncasecmp(name, "bit_", 4) || !isdigit((unsigned char)name[4]))
		return false;
	*bit = strtoul(name + 4, &end, 10);
	return !*end && end - name <= 6 && *bit < 64;
}

bool feature_by_name(uint64_t set, const char *name, unsigned int *bit)
{
	unsigned int one, found = 0;
	const struct class *class;

	if (bit_by_number(name, bit) ||
	    bit_of(transport_features, ARRAY_SIZE(transport_features), name, bit))
		return true;
	for (; set; set &= set - 1) {
		if ((size_t)__builtin_ctzll(set) >= ARRAY_SIZE(classes))
			break;
		class = &classes[__builtin_ctzll(set)];
		if (!bit_of(class->features, class->n_features, name, &one))
			continue;
		/* the same name, but of two bits */
		if (found++ && *bit != one)
			return false;
		*bit = one;
	}
	return found;
}

static void suggest_table(struct suggestion *near, const char *const *table,
			  unsigned int size)
{
	unsigned int i;

	for (i = 0; i < size; i++)
		if (table[i])
			suggest_from(near, table[i]);
}

void suggest_features(struct suggestion *near, uint64_t set)
{
	uint32_t id;

	suggest_table(near, transport_features, ARRAY_SIZE(transport_features));
	for (id = 0; id < ARRAY_SIZE(classes); id++)
		if (set & (1ULL << id))
			suggest_table(near, classes[id].features,
				      classes[id].n_features);
}

const char *backend_feature_name(unsigned int bit)
{
	return bit < ARRAY_SIZE(backend_features) ? backend_features[bit] : NULL;
}

bool backend_feature_by_name(const char *name, unsigned int *bit)
{
	return bit_by_number(name, bit) ||
	       bit_of(backend_features, ARRAY_SIZE(backend_features), name, bit);
}
