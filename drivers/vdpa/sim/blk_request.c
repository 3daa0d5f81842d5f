// SPDX-License-Identifier: GPL-2.0
/*
 * Requests to simulated devices of class block: virtio 1.3, 5.2.6
 *
 * A request is read once, checked against the disk and the limits in
 * configuration space, and only then carried out.
 */
#include "vdpa_sim_blk.h"

#define VDPASIM_BLK_BATCH	16
/* When it is the turn of others: after so many batches, or bytes */
#define VDPASIM_BLK_BATCHES	8
#define VDPASIM_BLK_TURN_BYTES	SZ_8M

/**
 * struct vdpasim_blk_turn - work on a queue
 * @chains: requests
 */
struct vdpasim_blk_turn {
	struct vdpa_ring_chain chains[VDPASIM_BLK_BATCH];
};

/**
 * struct vdpasim_blk_request - a request
 * @vq: its queue
 * @chain: it
 * @type: VIRTIO_BLK_T_*
 * @sector: where on the disk
 * @from: what else there is to read
 * @to: what there is to write, the status at the end included
 * @room: the same in bytes, without the status
 * @done: bytes written to @to
 */
struct vdpasim_blk_request {
	struct vdpasim_vq *vq;
	const struct vdpa_ring_chain *chain;
	u32 type;
	u64 sector;
	struct vdpa_ring_iter from;
	struct vdpa_ring_iter to;
	u32 room;
	u32 done;
};

/**
 * struct vdpasim_blk_command - how to serve a type of request
 * @type: VIRTIO_BLK_T_*
 * @feature: bit of the feature that it needs; VDPASIM_BLK_ANY for none
 * @writes: it changes the disk
 * @run: does it. Returns VIRTIO_BLK_S_*.
 */
struct vdpasim_blk_command {
	u32 type;
	u8 feature;
	bool writes;
	u8 (*run)(struct vdpasim_blk_request *req);
};

#define VDPASIM_BLK_ANY		VIRTIO_F_VERSION_1

/* Size of a &struct vdpasim_blk_turn */
size_t vdpasim_blk_turn_size(void)
{
	return sizeof(struct vdpasim_blk_turn);
}

static struct vdpasim_blk_store *
vdpasim_blk_store_of(const struct vdpasim_blk_request *req)
{
	return req->vq->sim->priv;
}

/* Whether there are so many sectors from there on */
static bool vdpasim_blk_in_bounds(const struct vdpasim_blk_request *req,
				  u64 sector, u64 sectors)
{
	u64 capacity = vdpasim_blk_store_of(req)->capacity;

	return sector <= capacity && sectors <= capacity - sector;
}

/* One segment besides the data is the header or the status. */
static bool vdpasim_blk_in_limits(const struct vdpasim_blk_request *req,
				  const struct vdpa_ring_seg *segs, u16 num,
				  u32 len)
{
	u16 i;

	if (num > VDPASIM_BLK_SEG_MAX + 1)
		return false;
	if (len <= VDPASIM_BLK_SIZE_MAX)
		return true;
	for (i = 0; i < num; i++)
		if (segs[i].len > VDPASIM_BLK_SIZE_MAX)
			return false;
	return true;
}

static bool vdpasim_blk_is_whole(const struct vdpasim_blk_request *req, u32 len)
{
	return !(len % SECTOR_SIZE) &&
	       vdpasim_blk_in_bounds(req, req->sector, len >> SECTOR_SHIFT);
}

static u8 vdpasim_blk_read(struct vdpasim_blk_request *req)
{
	const struct vdpa_ring_chain *chain = req->chain;
	u32 len = req->room;

	if (!vdpasim_blk_is_whole(req, len) ||
	    !vdpasim_blk_in_limits(req, chain->segs + chain->out_num,
				   chain->in_num, len))
		return VIRTIO_BLK_S_IOERR;
	if (vdpasim_blk_store_read(vdpasim_blk_store_of(req), req->sector,
				   &req->to, len))
		return VIRTIO_BLK_S_IOERR;
	req->done = len;
	vdpasim_count(req->vq, VDPASIM_BLK_READ_BYTES, len);
	return VIRTIO_BLK_S_OK;
}

static u8 vdpasim_blk_write(struct vdpasim_blk_request *req)
{
	const struct vdpa_ring_chain *chain = req->chain;
	u32 len = req->from.left;

	if (!vdpasim_blk_is_whole(req, len) ||
	    !vdpasim_blk_in_limits(req, chain->segs, chain->out_num, len))
		return VIRTIO_BLK_S_IOERR;
	if (vdpasim_blk_store_write(vdpasim_blk_store_of(req), req->sector,
				    &req->from, len))
		return VIRTIO_BLK_S_IOERR;
	vdpasim_count(req->vq, VDPASIM_BLK_WRITTEN_BYTES, len);
	return VIRTIO_BLK_S_OK;
}

/* There is no cache that could be flushed. */
static u8 vdpasim_blk_flush(struct vdpasim_blk_request *req)
{
	return VIRTIO_BLK_S_OK;
}

/* The name of the device, so that those of one host differ */
static u8 vdpasim_blk_get_id(struct vdpasim_blk_request *req)
{
	const char *name = dev_name(&req->vq->sim->vdpa.dev);
	char id[VIRTIO_BLK_ID_BYTES] = {};

	if (req->room < sizeof(id))
		return VIRTIO_BLK_S_IOERR;
	memcpy(id, name, strnlen(name, sizeof(id)));
	if (vdpa_ring_write(&req->to, id, sizeof(id)))
		return VIRTIO_BLK_S_IOERR;
	req->done = sizeof(id);
	return VIRTIO_BLK_S_OK;
}

/* Of what the flags say, only unmapping when zeroes are written is known. */
static u8 vdpasim_blk_check_range(const struct vdpasim_blk_request *req,
				  const struct virtio_blk_discard_write_zeroes *range)
{
	u32 flags = req->type == VIRTIO_BLK_T_WRITE_ZEROES ?
		    VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : 0;

	if (le32_to_cpu(range->flags) & ~flags)
		return VIRTIO_BLK_S_UNSUPP;
	if (!vdpasim_blk_in_bounds(req, le64_to_cpu(range->sector),
				   le32_to_cpu(range->num_sectors)))
		return VIRTIO_BLK_S_IOERR;
	return VIRTIO_BLK_S_OK;
}

/* All ranges are checked before the first is touched. */
static u8 vdpasim_blk_zero(struct vdpasim_blk_request *req)
{
	struct virtio_blk_discard_write_zeroes ranges[VDPASIM_BLK_RANGES_MAX];
	u32 num = req->from.left / sizeof(*ranges), i;
	u8 status = VIRTIO_BLK_S_OK;

	if (!num || req->from.left % sizeof(*ranges) ||
	    num > VDPASIM_BLK_RANGES_MAX ||
	    vdpa_ring_read(&req->from, ranges, req->from.left))
		return VIRTIO_BLK_S_IOERR;
	for (i = 0; i < num && status == VIRTIO_BLK_S_OK; i++)
		status = vdpasim_blk_check_range(req, &ranges[i]);
	for (i = 0; i < num && status == VIRTIO_BLK_S_OK; i++)
		vdpasim_blk_store_zero(vdpasim_blk_store_of(req),
				       le64_to_cpu(ranges[i].sector),
				       le32_to_cpu(ranges[i].num_sectors));
	return status;
}

static const struct vdpasim_blk_command vdpasim_blk_commands[] = {
	{ VIRTIO_BLK_T_IN, VDPASIM_BLK_ANY, false, vdpasim_blk_read },
	{ VIRTIO_BLK_T_OUT, VDPASIM_BLK_ANY, true, vdpasim_blk_write },
	{ VIRTIO_BLK_T_FLUSH, VDPASIM_BLK_ANY, false, vdpasim_blk_flush },
	{ VIRTIO_BLK_T_GET_ID, VDPASIM_BLK_ANY, false, vdpasim_blk_get_id },
	{ VIRTIO_BLK_T_DISCARD, VIRTIO_BLK_F_DISCARD, true, vdpasim_blk_zero },
	{ VIRTIO_BLK_T_WRITE_ZEROES, VIRTIO_BLK_F_WRITE_ZEROES, true,
	  vdpasim_blk_zero },
};

static u8 vdpasim_blk_run(struct vdpasim_blk_request *req)
{
	const struct vdpasim_blk_command *command;
	struct vdpasim *sim = req->vq->sim;
	struct virtio_blk_outhdr hdr;
	unsigned int i;

	if (vdpa_ring_read(&req->from, &hdr, sizeof(hdr)))
		return VIRTIO_BLK_S_IOERR;
	req->type = le32_to_cpu((__force __le32)hdr.type);
	req->sector = le64_to_cpu((__force __le64)hdr.sector);
	for (i = 0; i < ARRAY_SIZE(vdpasim_blk_commands); i++) {
		command = &vdpasim_blk_commands[i];
		if (command->type == req->type)
			break;
	}
	if (i == ARRAY_SIZE(vdpasim_blk_commands) ||
	    !(sim->driver_features & BIT_ULL(command->feature)))
		return VIRTIO_BLK_S_UNSUPP;
	if (command->writes && sim->features & BIT_ULL(VIRTIO_BLK_F_RO))
		return VIRTIO_BLK_S_IOERR;
	return command->run(req);
}

/*
 * The status is the last byte that there is to write. Without room for it nobody
 * can be told anything, and nothing is done.
 */
static void vdpasim_blk_serve_one(struct vdpasim_vq *vq,
				  struct vdpa_ring_chain *chain)
{
	struct vdpasim_blk_request req = {
		.vq = vq,
		.chain = chain,
	};
	struct vdpa_ring_iter end;
	u8 status;

	vdpasim_count(vq, VDPASIM_BLK_REQUESTS, 1);
	if (!chain->in_len) {
		vdpasim_count_error(vq, VDPASIM_BLK_ERRORS, EBADMSG);
		return;
	}
	req.room = chain->in_len - 1;
	vdpa_ring_reader(&req.from, vq->ring, chain);
	vdpa_ring_writer(&req.to, vq->ring, chain);
	end = req.to;

	status = vdpasim_blk_run(&req);
	if (status != VIRTIO_BLK_S_OK)
		vdpasim_count_error(vq, VDPASIM_BLK_ERRORS,
				    status == VIRTIO_BLK_S_UNSUPP ?
				    EOPNOTSUPP : EIO);
	if (!vdpa_ring_skip(&end, req.room) &&
	    !vdpa_ring_write(&end, &status, sizeof(status)))
		/* What lies before the status counts only if all of it was written. */
		chain->written = req.done + (req.done == req.room);
}

static u64 vdpasim_blk_serve_batch(struct vdpasim_vq *vq,
				   struct vdpa_ring_chain *chains,
				   unsigned int n)
{
	u64 bytes = 0;
	unsigned int i;

	for (i = 0; i < n; i++) {
		vdpasim_blk_serve_one(vq, &chains[i]);
		bytes += (u64)chains[i].out_len + chains[i].in_len;
	}
	vdpasim_vq_complete(vq, chains, n);
	vdpasim_vq_notify(vq);
	return bytes;
}

/**
 * vdpasim_blk_serve - do a turn of work on a queue
 * @vq: the queue
 * @worker: who does it
 *
 * Context: see &vdpasim_class.serve.
 * Return: whether there is more to do.
 */
bool vdpasim_blk_serve(struct vdpasim_vq *vq, struct vdpasim_worker *worker)
{
	struct vdpasim_blk_turn *turn = vq->scratch;
	unsigned int batch;
	u64 bytes = 0;
	int n;

	vdpa_ring_disable_kicks(vq->ring);
	for (batch = 0; batch < VDPASIM_BLK_BATCHES; batch++) {
		n = vdpa_ring_take(vq->ring, turn->chains, VDPASIM_BLK_BATCH);
		if (n < 0)
			return false;
		if (!n && !vdpa_ring_enable_kicks(vq->ring))
			return false;
		bytes += vdpasim_blk_serve_batch(vq, turn->chains, n);
		if (bytes > VDPASIM_BLK_TURN_BYTES)
			break;
	}
	return true;
}
