// SPDX-License-Identifier: GPL-2.0
/*
 * Virtqueues of a simulated device, and the workers that serve them
 *
 * A queue is started once the driver said that it is ready and is DRIVER_OK
 * itself, and runs unless the device is suspended. Each queue that was ever
 * started has a thread of its own, so that queues do not wait for each other, and
 * the way to the one that serves it is short; but for those on which only the
 * threads of others work. Work happens under the queue's lock: who takes the lock
 * and says "not running" knows that the driver's memory is not touched any more.
 */
#include <linux/bottom_half.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/time64.h>

#include <uapi/linux/sched/types.h>
#include <uapi/linux/virtio_config.h>

#include "vdpa_sim.h"

#define VDPASIM_VQ_SIZE		256
/* The least that the scheduler knows */
#define VDPASIM_PROMPT_NS	(100 * NSEC_PER_USEC)

static int vdpasim_set_max_vq_size(const char *text,
				   const struct kernel_param *kp)
{
	unsigned int size;
	int err;

	err = kstrtouint(text, 0, &size);
	if (err)
		return err;
	if (!is_power_of_2(size) || size > VDPA_RING_NUM_MAX)
		return -EINVAL;
	return param_set_uint(text, kp);
}

static const struct kernel_param_ops vdpasim_max_vq_size_ops = {
	.set = vdpasim_set_max_vq_size,
	.get = param_get_uint,
};

static unsigned int max_vq_size = VDPASIM_VQ_SIZE;
module_param_cb(max_vq_size, &vdpasim_max_vq_size_ops, &max_vq_size, 0444);
MODULE_PARM_DESC(max_vq_size, "Largest size of a virtqueue, a power of 2 (default: 256)");

/* Largest size of a virtqueue, in descriptors */
unsigned int vdpasim_vq_size_max(void)
{
	return max_vq_size;
}

/*
 * The locks of all queues, those with a worker before those that these workers
 * take in turn.
 */
void vdpasim_lock_vqs(struct vdpasim *sim)
{
	unsigned int i;

	lockdep_assert_held(&sim->lock);
	for (i = 0; i < sim->vdpa.nvqs; i++)
		if (!sim->vqs[i].inner)
			mutex_lock_nest_lock(&sim->vqs[i].lock, &sim->lock);
	for (i = 0; i < sim->vdpa.nvqs; i++)
		if (sim->vqs[i].inner)
			mutex_lock_nest_lock(&sim->vqs[i].lock, &sim->lock);
}
EXPORT_SYMBOL_GPL(vdpasim_lock_vqs);

void vdpasim_unlock_vqs(struct vdpasim *sim)
{
	unsigned int i;

	for (i = 0; i < sim->vdpa.nvqs; i++)
		mutex_unlock(&sim->vqs[i].lock);
}
EXPORT_SYMBOL_GPL(vdpasim_unlock_vqs);

/**
 * vdpasim_vq_notify - tell the driver of used buffers if it wants to know
 * @vq: the queue
 *
 * Drivers expect an interrupt, and what they schedule from there to happen soon:
 * with bottom halves enabled again it does.
 *
 * Context: process, &vdpasim_vq.lock held.
 */
void vdpasim_vq_notify(struct vdpasim_vq *vq)
{
	lockdep_assert_held(&vq->lock);
	if (!vdpa_ring_need_notify(vq->ring) || !vq->cb.callback)
		return;
	local_bh_disable();
	vq->cb.callback(vq->cb.private);
	local_bh_enable();
}
EXPORT_SYMBOL_GPL(vdpasim_vq_notify);

/*
 * For those who look without the lock, which a worker holds for as long as a
 * process does not let it have a page. While chains are out, nothing changes.
 */
static void vdpasim_vq_show_place(struct vdpasim_vq *vq)
{
	struct vdpa_vq_state place = vq->state;

	lockdep_assert_held(&vq->lock);
	if (vq->ring && vdpa_ring_get_state(vq->ring, &place))
		return;
	if (!vq->ring && !vq->state_given)
		vdpa_ring_state_init(&place, vq->sim->driver_features);
	WRITE_ONCE(vq->place, place);
}

/**
 * vdpasim_vq_complete - give chains back to the driver, and count them
 * @vq: the queue
 * @chains: see vdpa_ring_complete()
 * @n: how many
 *
 * Context: process, &vdpasim_vq.lock held.
 */
void vdpasim_vq_complete(struct vdpasim_vq *vq,
			 const struct vdpa_ring_chain *chains, unsigned int n)
{
	unsigned long flags;

	lockdep_assert_held(&vq->lock);
	vdpa_ring_complete(vq->ring, chains, n);
	flags = u64_stats_update_begin_irqsave(&vq->syncp);
	u64_stats_add(&vq->completed, n);
	u64_stats_update_end_irqrestore(&vq->syncp, flags);
	vdpasim_vq_show_place(vq);
}
EXPORT_SYMBOL_GPL(vdpasim_vq_complete);

/* The device goes on without this queue, unless it was reset meanwhile. */
static void vdpasim_vq_report_work(struct work_struct *work)
{
	struct vdpasim_vq *vq = container_of(work, struct vdpasim_vq, report);
	struct vdpasim *sim = vq->sim;
	const char *error = NULL;

	mutex_lock(&sim->lock);
	mutex_lock(&vq->lock);
	if (vq->ring)
		error = vdpa_ring_error(vq->ring);
	mutex_unlock(&vq->lock);
	if (error) {
		dev_notice_ratelimited(&sim->vdpa.dev,
				       "virtqueue %u stopped: %s\n", vq->idx,
				       error);
		WRITE_ONCE(vq->last_error, EBADMSG);
		vdpasim_needs_reset(sim);
	}
	mutex_unlock(&sim->lock);
}

/**
 * vdpasim_vq_broken - stop a queue whose ring is broken, and have the driver told
 * @vq: the queue
 *
 * Context: process, &vdpasim_vq.lock held.
 */
void vdpasim_vq_broken(struct vdpasim_vq *vq)
{
	lockdep_assert_held(&vq->lock);
	WRITE_ONCE(vq->running, false);
	schedule_work(&vq->report);
}
EXPORT_SYMBOL_GPL(vdpasim_vq_broken);

/* Has the worker of a queue look at it, if it was ever given one. */
static void vdpasim_vq_wake(struct vdpasim_vq *vq)
{
	if (vq->worker)
		kthread_queue_work(vq->worker, &vq->work);
}

static void vdpasim_vq_work(struct kthread_work *work)
{
	struct vdpasim_vq *vq = container_of(work, struct vdpasim_vq, work);
	struct vdpasim *sim = vq->sim;
	struct vdpasim_worker worker = {};
	bool more = false;

	mutex_lock(&vq->lock);
	if (vq->running && vdpasim_worker_hold(&worker, 0, sim)) {
		vdpasim_worker_adopt(&worker, sim);
		more = !vdpa_ring_error(vq->ring) &&
		       sim->class->serve(vq, &worker);
		if (unlikely(vdpa_ring_error(vq->ring))) {
			vdpasim_vq_broken(vq);
			more = false;
		}
	}
	mutex_unlock(&vq->lock);
	vdpasim_worker_release(&worker);
	if (more)
		vdpasim_vq_wake(vq);
}

static int vdpasim_vq_init_ring(struct vdpasim_vq *vq)
{
	struct vdpasim *sim = vq->sim;
	struct vdpa_device *vdev = &sim->vdpa;
	struct vdpa_ring_config config = {
		.features = sim->driver_features,
		.desc = vq->desc,
		.driver = vq->driver,
		.device = vq->device,
		.num = vq->num,
		.state = vq->state,
	};
	u16 asid = sim->group_asid[vdpasim_get_vq_group(vdev, vq->idx)];
	u16 desc_asid = sim->group_asid[vdpasim_get_vq_desc_group(vdev, vq->idx)];

	if (vq->num > max_vq_size)
		return -EINVAL;
	config.map = &sim->as[asid].map;
	config.ring_map = &sim->as[desc_asid].map;
	if (!vq->state_given)
		vdpa_ring_state_init(&config.state, config.features);
	return vdpa_ring_init(vq->ring, &config);
}

/* Most devices are idle, so what only queues in use need comes and goes. */
static int vdpasim_vq_alloc_ring(struct vdpasim_vq *vq)
{
	size_t scratch_size = vq->worker ? vq->sim->class->scratch_size : 0;

	vq->ring = kvzalloc(size_add(sizeof(*vq->ring), scratch_size),
			    GFP_KERNEL);
	if (!vq->ring)
		return -ENOMEM;
	vq->scratch = vq->ring + 1;
	return 0;
}

static void vdpasim_vq_free_ring(struct vdpasim_vq *vq)
{
	kvfree(vq->ring);
	vq->ring = NULL;
	vq->scratch = NULL;
}

/*
 * Who asks for a short slice need not wait for the end of that of another, which is
 * up to a tick: virtio-net spins until a command is done, maybe on this processor.
 * In the long run everybody has an equal share as before.
 */
static void vdpasim_vq_hurry_worker(struct kthread_worker *worker)
{
	const struct sched_attr attr = {
		.size = sizeof(attr),
		.sched_policy = SCHED_NORMAL,
		.sched_runtime = VDPASIM_PROMPT_NS,
	};

	WARN_ON_ONCE(sched_setattr_nocheck(worker->task, &attr));
}

static int vdpasim_vq_init_worker(struct vdpasim_vq *vq)
{
	const struct vdpasim_class *class = vq->sim->class;
	enum vdpasim_worker_kind kind = VDPASIM_WORKER_NORMAL;
	struct kthread_worker *worker;

	if (class->worker_kind)
		kind = class->worker_kind(vq->sim, vq->idx);
	if (vq->worker || kind == VDPASIM_WORKER_NONE)
		return 0;
	worker = kthread_create_worker(0, "vdpa_sim/%s/%u",
				       dev_name(&vq->sim->vdpa.dev), vq->idx);
	if (IS_ERR(worker))
		return PTR_ERR(worker);
	if (kind == VDPASIM_WORKER_PROMPT)
		vdpasim_vq_hurry_worker(worker);
	vq->worker = worker;
	return 0;
}

/*
 * Whether a queue that just came to run has something for its worker to do: nobody
 * listened to kicks before. Memory of a process may have to be waited for, which
 * is left to the worker.
 */
static bool vdpasim_vq_has_work(struct vdpasim_vq *vq)
{
	lockdep_assert_held(&vq->lock);
	return vq->worker && (vq->sim->mm || vdpa_ring_enable_kicks(vq->ring));
}

static int vdpasim_vq_start(struct vdpasim_vq *vq)
{
	struct vdpasim *sim = vq->sim;
	int err;

	lockdep_assert_held(&vq->lock);
	if (vq->ring || !sim->class->serve)
		return 0;
	err = vdpasim_vq_init_worker(vq) ?: vdpasim_vq_alloc_ring(vq);
	if (err)
		return err;
	err = vdpasim_vq_init_ring(vq);
	if (err) {
		vdpasim_vq_free_ring(vq);
		return err;
	}
	vdpasim_vq_show_place(vq);
	/* pairs with the acquire in vdpasim_kick_vq(), for the worker's sake */
	smp_store_release(&vq->running, !sim->suspended);
	if (vq->running && vdpasim_vq_has_work(vq))
		vdpasim_vq_wake(vq);
	return 0;
}

/* What the driver did wrong, it learns by a status that asks for reset. */
static void vdpasim_vq_try_start(struct vdpasim_vq *vq)
{
	struct vdpasim *sim = vq->sim;
	int err;

	lockdep_assert_held(&sim->lock);
	mutex_lock(&vq->lock);
	err = vdpasim_vq_start(vq);
	mutex_unlock(&vq->lock);
	if (err) {
		dev_notice_ratelimited(&sim->vdpa.dev,
				       "virtqueue %u cannot start: error %d\n",
				       vq->idx, err);
		WRITE_ONCE(vq->last_error, -err);
		vdpasim_needs_reset(sim);
	}
}

static void vdpasim_vq_stop(struct vdpasim_vq *vq)
{
	lockdep_assert_held(&vq->lock);
	WRITE_ONCE(vq->running, false);
	if (!vq->ring)
		return;
	/* Between two turns of work nothing is out, unless the ring is broken. */
	if (!vdpa_ring_get_state(vq->ring, &vq->state))
		vq->state_given = true;
	vdpa_ring_release(vq->ring);
	vdpasim_vq_free_ring(vq);
	vdpasim_vq_show_place(vq);
}

/* Starts the queues that the driver has ready. */
void vdpasim_start_vqs(struct vdpasim *sim)
{
	unsigned int i;

	lockdep_assert_held(&sim->lock);
	for (i = 0; i < sim->vdpa.nvqs; i++)
		if (sim->vqs[i].ready)
			vdpasim_vq_try_start(&sim->vqs[i]);
}

/* Afterwards no queue touches the driver's memory. */
void vdpasim_stop_vqs(struct vdpasim *sim)
{
	unsigned int i;

	lockdep_assert_held(&sim->lock);
	for (i = 0; i < sim->vdpa.nvqs; i++) {
		mutex_lock(&sim->vqs[i].lock);
		vdpasim_vq_stop(&sim->vqs[i]);
		mutex_unlock(&sim->vqs[i].lock);
	}
}

/*
 * Transmit queues come after the receive queues that they fill, and stop before
 * them: else what they take would find nobody to take it, and be lost.
 */
void vdpasim_pause_vqs(struct vdpasim *sim)
{
	unsigned int i = sim->vdpa.nvqs;

	lockdep_assert_held(&sim->lock);
	while (i--) {
		mutex_lock(&sim->vqs[i].lock);
		WRITE_ONCE(sim->vqs[i].running, false);
		mutex_unlock(&sim->vqs[i].lock);
	}
}

/* Looks into each queue, as kicks may have come meanwhile. */
void vdpasim_resume_vqs(struct vdpasim *sim)
{
	struct vdpasim_vq *vq;
	unsigned int i;

	lockdep_assert_held(&sim->lock);
	for (i = 0; i < sim->vdpa.nvqs; i++) {
		vq = &sim->vqs[i];
		mutex_lock(&vq->lock);
		WRITE_ONCE(vq->running, vq->ring && !vdpa_ring_error(vq->ring));
		if (vq->running)
			vdpasim_vq_wake(vq);
		mutex_unlock(&vq->lock);
	}
}

/* Whether rings are set up for the address space that a group is in. */
bool vdpasim_group_started(struct vdpasim *sim, unsigned int group)
{
	struct vdpa_device *vdev = &sim->vdpa;
	unsigned int i;

	lockdep_assert_held(&sim->lock);
	for (i = 0; i < sim->vdpa.nvqs; i++)
		if (sim->vqs[i].ring &&
		    (vdpasim_get_vq_group(vdev, i) == group ||
		     vdpasim_get_vq_desc_group(vdev, i) == group))
			return true;
	return false;
}

/* Forgets all that the driver said of a queue. */
static void vdpasim_vq_reset(struct vdpasim_vq *vq)
{
	lockdep_assert_held(&vq->sim->lock);
	mutex_lock(&vq->lock);
	vdpasim_vq_stop(vq);
	vq->desc = 0;
	vq->driver = 0;
	vq->device = 0;
	vq->num = max_vq_size;
	WRITE_ONCE(vq->ready, false);
	vq->state_given = false;
	vq->state = (struct vdpa_vq_state) {};
	vdpasim_vq_show_place(vq);
	vq->cb = (struct vdpa_callback) {};
	mutex_unlock(&vq->lock);
}

void vdpasim_reset_vqs(struct vdpasim *sim)
{
	unsigned int i;

	for (i = 0; i < sim->vdpa.nvqs; i++)
		vdpasim_vq_reset(&sim->vqs[i]);
}

int vdpasim_init_vqs(struct vdpasim *sim)
{
	struct vdpasim_vq *vq;
	unsigned int i;

	sim->vqs = kvcalloc(sim->vdpa.nvqs, sizeof(*sim->vqs), GFP_KERNEL);
	if (!sim->vqs)
		return -ENOMEM;
	for (i = 0; i < sim->vdpa.nvqs; i++) {
		vq = &sim->vqs[i];
		vq->sim = sim;
		vq->idx = i;
		vq->num = max_vq_size;
		mutex_init(&vq->lock);
		u64_stats_init(&vq->syncp);
		kthread_init_work(&vq->work, vdpasim_vq_work);
		INIT_WORK(&vq->report, vdpasim_vq_report_work);
	}
	return 0;
}

void vdpasim_free_vqs(struct vdpasim *sim)
{
	unsigned int i;

	if (!sim->vqs)
		return;
	mutex_lock(&sim->lock);
	vdpasim_stop_vqs(sim);
	mutex_unlock(&sim->lock);
	for (i = 0; i < sim->vdpa.nvqs; i++) {
		if (sim->vqs[i].worker) {
			/* which may be about to go on with it */
			kthread_cancel_work_sync(&sim->vqs[i].work);
			kthread_destroy_worker(sim->vqs[i].worker);
		}
		cancel_work_sync(&sim->vqs[i].report);
		mutex_destroy(&sim->vqs[i].lock);
	}
	kvfree(sim->vqs);
	sim->vqs = NULL;
}

/*
 * Config ops
 */

int vdpasim_set_vq_address(struct vdpa_device *vdev, u16 idx, u64 desc,
			   u64 driver, u64 device)
{
	struct vdpasim_vq *vq = &vdpa_to_sim(vdev)->vqs[idx];

	mutex_lock(&vq->lock);
	vq->desc = desc;
	vq->driver = driver;
	vq->device = device;
	mutex_unlock(&vq->lock);
	return 0;
}

void vdpasim_set_vq_num(struct vdpa_device *vdev, u16 idx, u32 num)
{
	struct vdpasim_vq *vq = &vdpa_to_sim(vdev)->vqs[idx];

	mutex_lock(&vq->lock);
	WRITE_ONCE(vq->num, num);
	mutex_unlock(&vq->lock);
}

u16 vdpasim_get_vq_size(struct vdpa_device *vdev, u16 idx)
{
	return READ_ONCE(vdpa_to_sim(vdev)->vqs[idx].num);
}

void vdpasim_kick_vq(struct vdpa_device *vdev, u16 idx)
{
	struct vdpasim_vq *vq = &vdpa_to_sim(vdev)->vqs[idx];

	/* pairs with the release in vdpasim_vq_start() */
	if (smp_load_acquire(&vq->running))
		vdpasim_vq_wake(vq);
}

/* After this returns the previous callback is not called any more. */
void vdpasim_set_vq_cb(struct vdpa_device *vdev, u16 idx,
		       struct vdpa_callback *cb)
{
	struct vdpasim_vq *vq = &vdpa_to_sim(vdev)->vqs[idx];

	mutex_lock(&vq->lock);
	vq->cb = *cb;
	mutex_unlock(&vq->lock);
}

void vdpasim_set_vq_ready(struct vdpa_device *vdev, u16 idx, bool ready)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);
	struct vdpasim_vq *vq = &sim->vqs[idx];

	mutex_lock(&sim->lock);
	WRITE_ONCE(vq->ready, ready);
	if (ready && sim->status & VIRTIO_CONFIG_S_DRIVER_OK) {
		vdpasim_vq_try_start(vq);
	} else if (!ready) {
		mutex_lock(&vq->lock);
		vdpasim_vq_stop(vq);
		mutex_unlock(&vq->lock);
	}
	mutex_unlock(&sim->lock);
}

bool vdpasim_get_vq_ready(struct vdpa_device *vdev, u16 idx)
{
	return READ_ONCE(vdpa_to_sim(vdev)->vqs[idx].ready);
}

/* virtio 1.3, 2.6.1 */
int vdpasim_reset_vq(struct vdpa_device *vdev, u16 idx)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);
	int err = 0;

	mutex_lock(&sim->lock);
	if (sim->driver_features & BIT_ULL(VIRTIO_F_RING_RESET))
		vdpasim_vq_reset(&sim->vqs[idx]);
	else
		err = -EOPNOTSUPP;
	mutex_unlock(&sim->lock);
	return err;
}

int vdpasim_set_vq_state(struct vdpa_device *vdev, u16 idx,
			 const struct vdpa_vq_state *state)
{
	struct vdpasim_vq *vq = &vdpa_to_sim(vdev)->vqs[idx];
	int err = 0;

	mutex_lock(&vq->lock);
	if (vq->ready) {
		err = -EBUSY;
	} else {
		vq->state = *state;
		vq->state_given = true;
		vdpasim_vq_show_place(vq);
	}
	mutex_unlock(&vq->lock);
	return err;
}

int vdpasim_get_vq_state(struct vdpa_device *vdev, u16 idx,
			 struct vdpa_vq_state *state)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);
	struct vdpasim_vq *vq = &sim->vqs[idx];
	int err = 0;

	mutex_lock(&sim->lock);
	mutex_lock(&vq->lock);
	if (vq->ring)
		err = vdpa_ring_get_state(vq->ring, state);
	else if (vq->state_given)
		*state = vq->state;
	else
		vdpa_ring_state_init(state, sim->driver_features);
	mutex_unlock(&vq->lock);
	mutex_unlock(&sim->lock);
	return err;
}

u32 vdpasim_get_vq_group(struct vdpa_device *vdev, u16 idx)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);

	return sim->class->vq_group ? sim->class->vq_group(sim, idx) : 0;
}

u32 vdpasim_get_vq_desc_group(struct vdpa_device *vdev, u16 idx)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);

	if (sim->class->vq_desc_group)
		return sim->class->vq_desc_group(sim, idx);
	return vdpasim_get_vq_group(vdev, idx);
}
