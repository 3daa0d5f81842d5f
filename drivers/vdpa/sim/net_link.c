// SPDX-License-Identifier: GPL-2.0
/*
 * Where the packets of simulated devices of class net go
 *
 * Each device has a port for a cable. At first both ends are in its own port, so
 * that what it sends comes back. The file peer in debugfs takes
 *
 *	A B	a cable from device A to device B
 *	A A	both ends in device A, as at first
 *	A	no cable in device A
 *
 * and shows the same for each device. What was in a port before is pulled out.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "vdpa_sim_net.h"

#define VDPASIM_NET_LINE_MAX	160

static LIST_HEAD(vdpasim_nets);
/* protects vdpasim_nets and &vdpasim_net.peer, for which it takes more locks */
static DEFINE_MUTEX(vdpasim_net_link_lock);

/**
 * vdpasim_net_link_show - have configuration space say whether the link is up
 * @net: the device
 *
 * virtio 1.3, 5.1.4.1 and 5.1.6.5.4: others may have to learn where we are now.
 *
 * Context: &vdpasim.lock held; to be followed by vdpasim_config_notify().
 */
void vdpasim_net_link_show(struct vdpasim_net *net)
{
	struct virtio_net_config *space = net->sim->config;
	u16 status = net->peer && !net->down ? VIRTIO_NET_S_LINK_UP : 0;
	u64 features;

	lockdep_assert_held(&net->sim->lock);
	if (!(net->sim->features & BIT_ULL(VIRTIO_NET_F_STATUS)))
		return;
	features = vdpasim_net_usable(net->sim->driver_features);
	if (status && features & BIT_ULL(VIRTIO_NET_F_GUEST_ANNOUNCE))
		status |= VIRTIO_NET_S_ANNOUNCE;
	spin_lock(&net->sim->config_lock);
	space->status = (__force __virtio16)cpu_to_le16(status);
	net->sim->generation++;
	spin_unlock(&net->sim->config_lock);
}

/* Afterwards nothing goes to the previous peer any more. */
static void vdpasim_net_set_peer(struct vdpasim_net *net,
				 struct vdpasim_net *peer)
{
	lockdep_assert_held(&vdpasim_net_link_lock);
	if (net->peer == peer)
		return;
	mutex_lock(&net->sim->lock);
	vdpasim_lock_vqs(net->sim);
	net->peer = peer;
	vdpasim_unlock_vqs(net->sim);
	vdpasim_net_link_show(net);
	mutex_unlock(&net->sim->lock);
	vdpasim_config_notify(net->sim);
}

static void vdpasim_net_unplug(struct vdpasim_net *net)
{
	struct vdpasim_net *peer = net->peer;

	if (peer && peer != net)
		vdpasim_net_set_peer(peer, NULL);
	vdpasim_net_set_peer(net, NULL);
}

static void vdpasim_net_plug(struct vdpasim_net *net, struct vdpasim_net *peer)
{
	if (net->peer == peer)
		return;
	vdpasim_net_unplug(net);
	if (!peer)
		return;
	vdpasim_net_unplug(peer);
	vdpasim_net_set_peer(net, peer);
	vdpasim_net_set_peer(peer, net);
}

/**
 * vdpasim_net_link_add - give a new device a port
 * @net: the device, on which nothing runs yet
 *
 * Context: may sleep.
 */
void vdpasim_net_link_add(struct vdpasim_net *net)
{
	struct virtio_net_config *space = net->sim->config;

	net->peer = net;
	if (net->sim->features & BIT_ULL(VIRTIO_NET_F_STATUS))
		space->status =
			(__force __virtio16)cpu_to_le16(VIRTIO_NET_S_LINK_UP);
	mutex_lock(&vdpasim_net_link_lock);
	list_add_tail(&net->entry, &vdpasim_nets);
	mutex_unlock(&vdpasim_net_link_lock);
}

/**
 * vdpasim_net_link_remove - take a device away, so that it can be freed
 * @net: the device; no harm is done if it was never added, or is removed again
 *
 * Context: may sleep.
 */
void vdpasim_net_link_remove(struct vdpasim_net *net)
{
	mutex_lock(&vdpasim_net_link_lock);
	if (!list_empty(&net->entry)) {
		list_del_init(&net->entry);
		vdpasim_net_unplug(net);
	}
	mutex_unlock(&vdpasim_net_link_lock);
}

static const char *vdpasim_net_name(const struct vdpasim_net *net)
{
	return dev_name(&net->sim->vdpa.dev);
}

static struct vdpasim_net *vdpasim_net_find(const char *name)
{
	struct vdpasim_net *net;

	lockdep_assert_held(&vdpasim_net_link_lock);
	list_for_each_entry(net, &vdpasim_nets, entry)
		if (!strcmp(vdpasim_net_name(net), name))
			return net;
	return NULL;
}

static int vdpasim_net_connect(const char *name, const char *peer_name)
{
	struct vdpasim_net *net, *peer = NULL;
	int err = -ENODEV;

	mutex_lock(&vdpasim_net_link_lock);
	net = vdpasim_net_find(name);
	if (peer_name)
		peer = vdpasim_net_find(peer_name);
	if (net && (peer || !peer_name)) {
		vdpasim_net_plug(net, peer);
		err = 0;
	}
	mutex_unlock(&vdpasim_net_link_lock);
	return err;
}

/* One command a write(), with or without a newline */
static ssize_t vdpasim_net_peer_write(struct file *file, const char __user *buf,
				      size_t len, loff_t *pos)
{
	char line[VDPASIM_NET_LINE_MAX];
	char *rest, *name;
	int err;

	if (len >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, buf, len))
		return -EFAULT;
	line[len] = '\0';

	rest = strim(line);
	name = strsep(&rest, " ");
	if (rest)
		rest = skip_spaces(rest);
	err = vdpasim_net_connect(name, rest);
	return err ?: len;
}

static int vdpasim_net_peer_show(struct seq_file *file, void *unused)
{
	struct vdpasim_net *net;

	mutex_lock(&vdpasim_net_link_lock);
	list_for_each_entry(net, &vdpasim_nets, entry) {
		seq_puts(file, vdpasim_net_name(net));
		if (net->peer)
			seq_printf(file, " %s", vdpasim_net_name(net->peer));
		seq_putc(file, '\n');
	}
	mutex_unlock(&vdpasim_net_link_lock);
	return 0;
}

static int vdpasim_net_peer_open(struct inode *inode, struct file *file)
{
	return single_open(file, vdpasim_net_peer_show, NULL);
}

const struct file_operations vdpasim_net_peer_fops = {
	.owner = THIS_MODULE,
	.open = vdpasim_net_peer_open,
	.read = seq_read,
	.write = vdpasim_net_peer_write,
	.llseek = seq_lseek,
	.release = single_release,
};
