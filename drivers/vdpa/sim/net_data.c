// SPDX-License-Identifier: GPL-2.0
/*
 * Packets of simulated devices of class net: from a transmit queue straight to
 * the receive queue at the other end
 *
 * Each transmit queue has its worker, which takes a batch of packets, then what
 * the other end has of buffers, copies, and completes both. Without buffers it
 * waits for some, so that a sender can go as fast as the receiver and not faster;
 * but not for long, as the receiver may be a driver that hangs.
 */
#include <linux/jiffies.h>

#include "vdpa_sim_net.h"

#define VDPASIM_NET_TX_BATCH	64
#define VDPASIM_NET_RX_BATCH	64
/* Batches until others get their turn */
#define VDPASIM_NET_BATCHES	8
/* How long to wait for buffers */
#define VDPASIM_NET_PATIENCE	msecs_to_jiffies(20)

/**
 * struct vdpasim_net_turn - work on a transmit queue
 * @worker: who does it
 * @tx: the transmit queue
 * @rx: receive queue at the other end
 * @to: device at the other end
 * @waiting: packets are waiting for buffers, or would be by now
 * @until: when they do not wait any longer
 * @tx_chains: packets
 * @rx_chains: buffers
 * @rx_taken: how many of these are there
 * @rx_used: how many of them are full
 * @bounce: for copies between processes, which the ring library cannot do
 */
struct vdpasim_net_turn {
	struct vdpasim_worker *worker;
	struct vdpasim_vq *tx;
	struct vdpasim_vq *rx;
	struct vdpasim_net *to;
	bool waiting;
	unsigned long until;
	struct vdpa_ring_chain tx_chains[VDPASIM_NET_TX_BATCH];
	struct vdpa_ring_chain rx_chains[VDPASIM_NET_RX_BATCH];
	u16 rx_taken;
	u16 rx_used;
	u8 bounce[2048];
};

/* Size of a &struct vdpasim_net_turn */
size_t vdpasim_net_turn_size(void)
{
	return sizeof(struct vdpasim_net_turn);
}

/* Makes the memory of the sender, or that of the receiver, accessible. */
static void vdpasim_net_at_tx(struct vdpasim_net_turn *turn)
{
	vdpasim_worker_adopt(turn->worker, turn->tx->sim);
}

static void vdpasim_net_at_rx(struct vdpasim_net_turn *turn)
{
	vdpasim_worker_adopt(turn->worker, turn->rx->sim);
}

static int vdpasim_net_copy_bounced(struct vdpasim_net_turn *turn,
				    struct vdpa_ring_iter *to,
				    struct vdpa_ring_iter *from, u32 len)
{
	u32 piece;
	int err = 0;

	for (; len && !err; len -= piece) {
		piece = min_t(u32, len, sizeof(turn->bounce));
		vdpasim_net_at_tx(turn);
		err = vdpa_ring_read(from, turn->bounce, piece);
		vdpasim_net_at_rx(turn);
		if (!err)
			err = vdpa_ring_write(to, turn->bounce, piece);
	}
	return err;
}

static int vdpasim_net_copy(struct vdpasim_net_turn *turn,
			    struct vdpa_ring_iter *to,
			    struct vdpa_ring_iter *from, u32 len)
{
	struct mm_struct *tx_mm = turn->tx->sim->mm;
	struct mm_struct *rx_mm = turn->rx->sim->mm;

	if (unlikely(tx_mm && rx_mm && tx_mm != rx_mm))
		return vdpasim_net_copy_bounced(turn, to, from, len);
	return vdpa_ring_copy(to, from, len);
}

/* Takes up to @n buffers more; how many are there then, in all. */
static int vdpasim_net_take_rx(struct vdpasim_net_turn *turn, unsigned int n)
{
	int taken;

	vdpasim_net_at_rx(turn);
	n = min_t(unsigned int, n, VDPASIM_NET_RX_BATCH - turn->rx_taken);
	taken = n ? vdpa_ring_take(turn->rx->ring,
				   turn->rx_chains + turn->rx_taken, n) : 0;
	if (taken > 0)
		turn->rx_taken += taken;
	return taken;
}

/* Hands full buffers to the driver, and gives empty ones back. */
static void vdpasim_net_flush_rx(struct vdpasim_net_turn *turn)
{
	vdpasim_net_at_rx(turn);
	vdpa_ring_untake(turn->rx->ring, turn->rx_chains + turn->rx_used,
			 turn->rx_taken - turn->rx_used);
	vdpasim_vq_complete(turn->rx, turn->rx_chains, turn->rx_used);
	turn->rx_taken = 0;
	turn->rx_used = 0;
}

/* The next buffer, NULL if there is none, or no room for it here. */
static struct vdpa_ring_chain *
vdpasim_net_next_rx(struct vdpasim_net_turn *turn)
{
	if (turn->rx_used == turn->rx_taken &&
	    vdpasim_net_take_rx(turn, 1) <= 0)
		return NULL;
	return &turn->rx_chains[turn->rx_used++];
}

static int vdpasim_net_write_header(struct vdpasim_net_turn *turn,
				    struct vdpa_ring_iter *to, u16 buffers)
{
	struct virtio_net_hdr_mrg_rxbuf hdr = {
		.num_buffers = (__force __virtio16)cpu_to_le16(buffers),
	};

	vdpasim_net_at_rx(turn);
	return vdpa_ring_write(to, &hdr, sizeof(hdr));
}

static int vdpasim_net_write_prefix(struct vdpasim_net_turn *turn,
				    struct vdpa_ring_iter *to,
				    const struct vdpasim_net_packet *packet)
{
	if (likely(!packet->prefix_len))
		return 0;
	vdpasim_net_at_rx(turn);
	return vdpa_ring_write(to, &packet->prefix, packet->prefix_len);
}

/*
 * Fills buffers with a packet, beginning with @chain that has room for a header
 * and the packet's prefix but not for all of the packet.
 */
static int vdpasim_net_merge(struct vdpasim_net_turn *turn,
			     struct vdpa_ring_chain *chain,
			     const struct vdpasim_net_packet *packet)
{
	struct vdpa_ring_iter begin, to, from = packet->from;
	u32 piece, len = packet->len;
	u16 buffers = 1;
	int err;

	vdpa_ring_writer(&begin, turn->rx->ring, chain);
	to = begin;
	err = vdpa_ring_skip(&to, VDPASIM_NET_HDR_LEN) ?:
	      vdpasim_net_write_prefix(turn, &to, packet);
	chain->written = VDPASIM_NET_HDR_LEN + packet->prefix_len;
	while (!err) {
		piece = min(len, to.left);
		err = vdpasim_net_copy(turn, &to, &from, piece);
		chain->written += piece;
		len -= piece;
		if (!len || err)
			break;
		chain = vdpasim_net_next_rx(turn);
		if (!chain)
			return -EAGAIN;
		chain->written = 0;
		vdpa_ring_writer(&to, turn->rx->ring, chain);
		buffers++;
	}
	return err ?: vdpasim_net_write_header(turn, &begin, buffers);
}

static int vdpasim_net_fill(struct vdpasim_net_turn *turn,
			    const struct vdpasim_net_packet *packet)
{
	struct vdpa_ring_chain *chain = vdpasim_net_next_rx(turn);
	struct vdpa_ring_iter from = packet->from, to;
	u32 len = VDPASIM_NET_HDR_LEN + packet->prefix_len;

	if (!chain)
		return -EAGAIN;
	if (likely(chain->in_len >= len + packet->len)) {
		vdpa_ring_writer(&to, turn->rx->ring, chain);
		chain->written = len + packet->len;
		return vdpasim_net_write_header(turn, &to, 1) ?:
		       vdpasim_net_write_prefix(turn, &to, packet) ?:
		       vdpasim_net_copy(turn, &to, &from, packet->len);
	}
	if (!turn->to->mergeable || chain->in_len < len)
		return -EMSGSIZE;
	return vdpasim_net_merge(turn, chain, packet);
}

/*
 * Puts a packet into buffers. If it does not fit into those that are at hand
 * together with the packets before it, these are handed over first.
 */
static int vdpasim_net_deliver(struct vdpasim_net_turn *turn,
			       const struct vdpasim_net_packet *packet)
{
	u16 first = turn->rx_used;
	int err;

	err = vdpasim_net_fill(turn, packet);
	if (likely(!err))
		return 0;
	turn->rx_used = first;
	if (err != -EAGAIN || !first)
		return err;

	vdpasim_net_flush_rx(turn);
	err = vdpasim_net_fill(turn, packet);
	if (err)
		turn->rx_used = 0;
	return err;
}

/* Leaves @from at the begin of the packet; false if there is no packet. */
static bool vdpasim_net_look(struct vdpasim_net_turn *turn,
			     struct vdpa_ring_iter *from,
			     struct vdpasim_net_head *head)
{
	struct vdpa_ring_iter peek;

	vdpasim_net_at_tx(turn);
	if (vdpa_ring_skip(from, VDPASIM_NET_HDR_LEN) || from->left < ETH_HLEN)
		return false;
	head->len = min_t(u32, from->left, VLAN_ETH_HLEN);
	peek = *from;
	return !vdpa_ring_read(&peek, head, head->len);
}

static bool vdpasim_net_fits(const struct vdpasim_net *net,
			     const struct vdpasim_net_head *head, u32 len)
{
	u32 header = ETH_HLEN;

	if (eth_type_vlan(head->eth.h_proto))
		header += VLAN_HLEN;
	return len <= net->mtu + header;
}

/* What becomes of a packet that did not get into buffers; 0 if it is lost. */
static int vdpasim_net_undelivered(struct vdpasim_net_turn *turn, int err)
{
	if (err == -EMSGSIZE) {
		vdpasim_count_error(turn->rx, VDPASIM_NET_ERRORS, EMSGSIZE);
		return 0;
	}
	if (err != -EAGAIN || vdpa_ring_error(turn->rx->ring))
		return -EIO;
	if (!turn->waiting) {
		turn->waiting = true;
		turn->until = jiffies + VDPASIM_NET_PATIENCE;
	}
	if (time_before(jiffies, turn->until))
		return -EAGAIN;
	vdpasim_count(turn->rx, VDPASIM_NET_RX_OVERRUNS, 1);
	return 0;
}

/*
 * One packet to the other end. Returns 0 when done with it, -EAGAIN if it has to
 * wait, another errno if one of the rings is broken.
 */
static int vdpasim_net_pass(struct vdpasim_net_turn *turn,
			    const struct vdpa_ring_chain *chain)
{
	const struct vdpasim_net *from = vdpasim_to_net(turn->tx->sim);
	struct vdpasim_net_packet packet;
	struct vdpasim_net_head head;
	u32 len;
	int err;

	vdpa_ring_reader(&packet.from, turn->tx->ring, chain);
	if (!vdpasim_net_look(turn, &packet.from, &head)) {
		vdpasim_count_error(turn->tx, VDPASIM_NET_ERRORS, EBADMSG);
		return vdpa_ring_error(turn->tx->ring) ? -EIO : 0;
	}
	packet.len = packet.from.left;
	packet.prefix_len = 0;
	if ((unlikely(from->vlan | turn->to->vlan) &&
	     !vdpasim_net_retag(from, turn->to, &packet, &head)) ||
	    !vdpasim_net_wants(turn->to, &head)) {
		vdpasim_count(turn->rx, VDPASIM_NET_RX_FILTERED, 1);
		return 0;
	}
	len = packet.prefix_len + packet.len;
	if (!vdpasim_net_fits(turn->to, &head, len)) {
		vdpasim_count_error(turn->rx, VDPASIM_NET_ERRORS, EMSGSIZE);
		return 0;
	}
	err = vdpasim_net_deliver(turn, &packet);
	if (unlikely(err))
		return vdpasim_net_undelivered(turn, err);
	turn->waiting = false;
	vdpasim_count(turn->rx, VDPASIM_NET_PACKETS, 1);
	vdpasim_count(turn->rx, VDPASIM_NET_BYTES, len);
	return 0;
}

/* Of the first @n packets, the number that need no further thought */
static unsigned int vdpasim_net_pass_all(struct vdpasim_net_turn *turn,
					 unsigned int n)
{
	struct vdpasim_vq *rx = turn->rx;
	unsigned int done;

	if (!rx->running || turn->to->down ||
	    !vdpasim_worker_hold(turn->worker, 1, rx->sim)) {
		vdpasim_count(turn->tx, VDPASIM_NET_DROPS, n);
		return n;
	}
	vdpasim_net_at_rx(turn);
	vdpa_ring_disable_kicks(rx->ring);
	vdpasim_net_take_rx(turn, n);
	for (done = 0; done < n; done++)
		if (vdpasim_net_pass(turn, &turn->tx_chains[done]))
			break;
	vdpasim_net_flush_rx(turn);
	vdpasim_vq_notify(rx);
	if (unlikely(vdpa_ring_error(rx->ring))) {
		/* nothing can wait for it */
		vdpasim_vq_broken(rx);
		vdpasim_count(turn->tx, VDPASIM_NET_DROPS, n - done);
		return n;
	}
	return done;
}

static unsigned int vdpasim_net_send(struct vdpasim_net_turn *turn,
				     unsigned int n)
{
	const struct vdpasim_net *net = vdpasim_to_net(turn->tx->sim);
	struct vdpasim_net *to = net->peer;
	u16 pair = turn->tx->idx / 2;
	unsigned int done;

	if (!to || net->down) {
		vdpasim_count(turn->tx, VDPASIM_NET_DROPS, n);
		return n;
	}
	turn->to = to;
	turn->rx = &to->sim->vqs[2 * (pair % READ_ONCE(to->pairs))];
	mutex_lock_nested(&turn->rx->lock, SINGLE_DEPTH_NESTING);
	done = vdpasim_net_pass_all(turn, n);
	mutex_unlock(&turn->rx->lock);
	return done;
}

/* Packets that are through; they have nothing to write to. */
static void vdpasim_net_complete(struct vdpasim_net_turn *turn, unsigned int n)
{
	u64 bytes = 0;
	unsigned int i;

	for (i = 0; i < n; i++) {
		struct vdpa_ring_chain *chain = &turn->tx_chains[i];

		if (chain->out_len > VDPASIM_NET_HDR_LEN)
			bytes += chain->out_len - VDPASIM_NET_HDR_LEN;
		chain->written = 0;
	}
	vdpasim_count(turn->tx, VDPASIM_NET_BYTES, bytes);
	vdpasim_count(turn->tx, VDPASIM_NET_PACKETS, n);
	vdpasim_net_at_tx(turn);
	vdpasim_vq_complete(turn->tx, turn->tx_chains, n);
	vdpasim_vq_notify(turn->tx);
}

/**
 * vdpasim_net_transmit - do a turn of work on a transmit queue
 * @tx: the queue
 * @worker: who does it
 *
 * Context: see &vdpasim_class.serve.
 * Return: whether there is more to do.
 */
bool vdpasim_net_transmit(struct vdpasim_vq *tx, struct vdpasim_worker *worker)
{
	struct vdpasim_net_turn *turn = tx->scratch;
	unsigned int batch, done;
	int n;

	turn->worker = worker;
	turn->tx = tx;
	vdpa_ring_disable_kicks(tx->ring);
	for (batch = 0; batch < VDPASIM_NET_BATCHES; batch++) {
		vdpasim_net_at_tx(turn);
		n = vdpa_ring_take(tx->ring, turn->tx_chains,
				   VDPASIM_NET_TX_BATCH);
		if (n < 0)
			return false;
		if (!n && !vdpa_ring_enable_kicks(tx->ring))
			return false;
		if (!n)
			continue;
		done = vdpasim_net_send(turn, n);
		vdpa_ring_untake(tx->ring, turn->tx_chains + done, n - done);
		vdpasim_net_complete(turn, done);
		if (done < n)
			break;
	}
	return true;
}
