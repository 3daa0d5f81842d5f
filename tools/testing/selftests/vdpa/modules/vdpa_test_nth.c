// SPDX-License-Identifier: GPL-2.0
/*
 * Where fault injection begins when a module is loaded
 *
 * /proc/self/fail-nth counts from the system call on. Of the calls that can
 * fail while a module is loaded, nine in ten are the module loader's own: they
 * take minutes to sweep, and test none of ours. The file vdpa_test_nth/arm of
 * debugfs takes a number N and sets fail-nth of the task that writes it to N
 * when the next module that this task loads begins with its init function.
 *
 * In functions of Linux 6.12 that cannot stand a failure, nothing fails:
 *
 *	bus_register()	if the bus' kset cannot be added, it unregisters a
 *			lockdep key that it has yet to register: a warning
 */
#include <linux/debugfs.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

/* Protects the two below */
static DEFINE_SPINLOCK(vdpa_test_nth_lock);
static struct task_struct *vdpa_test_nth_task;	/* compared, never used */
static unsigned int vdpa_test_nth;

static struct dentry *vdpa_test_nth_dir;

/* Arms @task, or nobody, with call @nth of the next init function */
static void vdpa_test_nth_set(struct task_struct *task, unsigned int nth)
{
	unsigned long flags;

	spin_lock_irqsave(&vdpa_test_nth_lock, flags);
	vdpa_test_nth_task = nth ? task : NULL;
	vdpa_test_nth = nth;
	spin_unlock_irqrestore(&vdpa_test_nth_lock, flags);
}

static int vdpa_test_nth_init_begins(struct kprobe *probe, struct pt_regs *regs)
{
	unsigned long flags;

	spin_lock_irqsave(&vdpa_test_nth_lock, flags);
	if (vdpa_test_nth_task == current) {
		WRITE_ONCE(current->fail_nth, vdpa_test_nth);
		vdpa_test_nth_task = NULL;
	}
	spin_unlock_irqrestore(&vdpa_test_nth_lock, flags);
	return 0;
}

static struct kprobe vdpa_test_nth_initcall = {
	.symbol_name = "do_one_initcall",
	.pre_handler = vdpa_test_nth_init_begins,
};

/* What the task had still to go is put aside for as long as @regs is in there */
static int vdpa_test_nth_pause(struct kretprobe_instance *ri,
			       struct pt_regs *regs)
{
	unsigned int *left = (unsigned int *)ri->data;

	*left = READ_ONCE(current->fail_nth);
	WRITE_ONCE(current->fail_nth, 0);
	return 0;
}

static int vdpa_test_nth_resume(struct kretprobe_instance *ri,
				struct pt_regs *regs)
{
	WRITE_ONCE(current->fail_nth, *(unsigned int *)ri->data);
	return 0;
}

static struct kretprobe vdpa_test_nth_fragile = {
	.kp.symbol_name = "bus_register",
	.entry_handler = vdpa_test_nth_pause,
	.handler = vdpa_test_nth_resume,
	.data_size = sizeof(unsigned int),
};

static int vdpa_test_nth_arm(void *data, u64 nth)
{
	if (nth > UINT_MAX)
		return -ERANGE;
	vdpa_test_nth_set(current, nth);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(vdpa_test_nth_fops, NULL, vdpa_test_nth_arm, "%llu\n");

static int __init vdpa_test_nth_init(void)
{
	int err;

	err = register_kprobe(&vdpa_test_nth_initcall);
	if (err)
		return err;
	err = register_kretprobe(&vdpa_test_nth_fragile);
	if (err) {
		unregister_kprobe(&vdpa_test_nth_initcall);
		return err;
	}
	vdpa_test_nth_dir = debugfs_create_dir("vdpa_test_nth", NULL);
	debugfs_create_file_unsafe("arm", 0200, vdpa_test_nth_dir, NULL,
				   &vdpa_test_nth_fops);
	return 0;
}

static void __exit vdpa_test_nth_exit(void)
{
	debugfs_remove(vdpa_test_nth_dir);
	unregister_kretprobe(&vdpa_test_nth_fragile);
	unregister_kprobe(&vdpa_test_nth_initcall);
}

module_init(vdpa_test_nth_init);
module_exit(vdpa_test_nth_exit);

MODULE_DESCRIPTION("Begins fault injection at a module's init function");
MODULE_LICENSE("GPL");
