// SPDX-License-Identifier: GPL-2.0
/*
 * What queues count, for the file stats in debugfs and for netlink
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <net/netlink.h>

#include "vdpa_sim.h"

static LIST_HEAD(vdpasim_devs);
static DEFINE_MUTEX(vdpasim_devs_lock); /* protects vdpasim_devs */

static const char *const *vdpasim_counter_names(const struct vdpasim *sim,
						u16 idx)
{
	static const char *const none[] = { NULL };

	return sim->class->counter_names ? sim->class->counter_names(sim, idx) :
					   none;
}

/*
 * Without the lock of the queue, which its worker may hold for as long as a
 * process does not let it have a page.
 */
static u64 vdpasim_read_counter(const struct vdpasim_vq *vq,
				const u64_stats_t *counter)
{
	unsigned int start;
	u64 count;

	do {
		start = u64_stats_fetch_begin(&vq->syncp);
		count = u64_stats_read(counter);
	} while (u64_stats_fetch_retry(&vq->syncp, start));
	return count;
}

static u64 vdpasim_counter(const struct vdpasim *sim, u16 idx, unsigned int i)
{
	const struct vdpasim_vq *vq = &sim->vqs[idx];

	return vdpasim_read_counter(vq, &vq->counters[i]);
}

static u64 vdpasim_sum_counters(const struct vdpasim *sim, u16 idx,
				unsigned long which)
{
	unsigned int i;
	u64 sum = 0;

	for_each_set_bit(i, &which, VDPASIM_NUM_COUNTERS)
		sum += vdpasim_counter(sim, idx, i);
	return sum;
}

/* What a worker took it gives back before it lets go of the queue. */
int vdpasim_get_vq_stats(struct vdpa_device *vdev, u16 idx,
			 struct vdpa_vq_stats *stats)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);
	const struct vdpasim_vq *vq = &sim->vqs[idx];
	unsigned long bytes = 0, errors = 0;

	if (sim->class->counter_kinds)
		sim->class->counter_kinds(sim, idx, &bytes, &errors);
	stats->completed = vdpasim_read_counter(vq, &vq->completed);
	stats->received = stats->completed;
	stats->bytes = vdpasim_sum_counters(sim, idx, bytes);
	stats->errors = vdpasim_sum_counters(sim, idx, errors);
	stats->last_error = READ_ONCE(vq->last_error);
	stats->state_known = true;
	stats->state = READ_ONCE(vq->place);
	return 0;
}

int vdpasim_get_vendor_vq_stats(struct vdpa_device *vdev, u16 idx,
				struct sk_buff *msg,
				struct netlink_ext_ack *extack)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);
	const char *const *names = vdpasim_counter_names(sim, idx);
	unsigned int i;

	for (i = 0; names[i]; i++)
		if (nla_put_string(msg, VDPA_ATTR_DEV_VENDOR_ATTR_NAME,
				   names[i]) ||
		    nla_put_u64_64bit(msg, VDPA_ATTR_DEV_VENDOR_ATTR_VALUE,
				      vdpasim_counter(sim, idx, i),
				      VDPA_ATTR_PAD))
			return -EMSGSIZE;
	return 0;
}

static void vdpasim_stats_show_vq(struct seq_file *file, struct vdpasim *sim,
				  u16 idx)
{
	const char *const *names = vdpasim_counter_names(sim, idx);
	unsigned int i;

	seq_printf(file, "%s %u", dev_name(&sim->vdpa.dev), idx);
	for (i = 0; names[i]; i++)
		seq_printf(file, " %s %llu", names[i],
			   vdpasim_counter(sim, idx, i));
	seq_putc(file, '\n');
}

/* One line for each queue of each device */
static int vdpasim_stats_show(struct seq_file *file, void *unused)
{
	struct vdpasim_mgmt *mgmt = file->private;
	struct vdpasim *sim;
	unsigned int i;

	mutex_lock(&vdpasim_devs_lock);
	list_for_each_entry(sim, &vdpasim_devs, entry)
		for (i = 0; sim->mgmt == mgmt && i < sim->vdpa.nvqs; i++)
			vdpasim_stats_show_vq(file, sim, i);
	mutex_unlock(&vdpasim_devs_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vdpasim_stats);

void vdpasim_stats_init_debugfs(struct vdpasim_mgmt *mgmt, struct dentry *dir)
{
	debugfs_create_file("stats", 0400, dir, mgmt, &vdpasim_stats_fops);
}

void vdpasim_stats_add(struct vdpasim *sim)
{
	mutex_lock(&vdpasim_devs_lock);
	list_add_tail(&sim->entry, &vdpasim_devs);
	mutex_unlock(&vdpasim_devs_lock);
}

/* May be called for a device that was not added. */
void vdpasim_stats_remove(struct vdpasim *sim)
{
	mutex_lock(&vdpasim_devs_lock);
	list_del_init(&sim->entry);
	mutex_unlock(&vdpasim_devs_lock);
}
