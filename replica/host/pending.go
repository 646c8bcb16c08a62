package host

import (
	"sync"

	"kvd/replica"
)

// call is one Do under way.
type call struct {
	reqs    []*replica.Request
	replies []replica.Reply // one to each request
	left    int             // replies that have not come
	done    func([]replica.Reply)
}

// calls are used again: most of a call is room for replies.
var calls = sync.Pool{New: func() any { return new(call) }}

// keptReplies is how many replies a call has room for when it is used again.
const keptReplies = 1024

func newCall(reqs []*replica.Request, done func([]replica.Reply)) *call {
	k := calls.Get().(*call)
	k.reqs, k.done, k.left = reqs, done, len(reqs)
	if cap(k.replies) < len(reqs) {
		k.replies = make([]replica.Reply, len(reqs))
	}
	k.replies = k.replies[:len(reqs)]
	return k
}

// recycle lets go of everything the call points to.
func (k *call) recycle() {
	clear(k.replies)
	k.reqs, k.done = nil, nil
	if cap(k.replies) > keptReplies {
		k.replies = nil
	}
	calls.Put(k)
}

// desk matches replies with the calls that wait for them. Requests are numbered
// by places at the desk, which are given again; a number also says how often its
// place was given before.
type desk struct {
	places []place
	free   []uint32
}

// place is one request that waits for its reply.
type place struct {
	call  *call // nil: the place is free
	index int   // of the request in its call
	id    uint64
	given uint32
}

// open gives the call's requests numbers, for which the desk keeps those of the
// edge.
func (d *desk) open(k *call) {
	for i, r := range k.reqs {
		if len(d.free) == 0 {
			d.free = append(d.free, uint32(len(d.places)))
			d.places = append(d.places, place{})
		}
		n := d.free[len(d.free)-1]
		d.free = d.free[:len(d.free)-1]
		p := &d.places[n]
		p.call, p.index, p.id = k, i, r.ID
		p.given++
		r.ID = uint64(p.given)<<32 | uint64(n)
	}
}

// answer gives out replies; a call whose last one came is done.
func (d *desk) answer(replies []replica.Reply) {
	for i := range replies {
		r := &replies[i]
		n := uint32(r.ID)
		if int(n) < len(d.places) && d.places[n].call != nil && d.places[n].given == uint32(r.ID>>32) {
			d.settle(n, r)
		}
	}
}

// settle files the reply to the request at place n.
func (d *desk) settle(n uint32, r *replica.Reply) {
	p := &d.places[n]
	k := p.call
	k.replies[p.index] = *r
	k.replies[p.index].ID = p.id
	p.call = nil
	d.free = append(d.free, n)
	if k.left--; k.left == 0 {
		k.done(k.replies)
		k.recycle()
		d.shrink()
	}
}

// keptPlaces is how many places a desk keeps when nobody has one.
const keptPlaces = 1 << 14

// shrink lets go of what a call of very many requests needed, once nobody waits.
func (d *desk) shrink() {
	if len(d.places) > keptPlaces && len(d.free) == len(d.places) {
		d.places, d.free = nil, nil
	}
}

// abandon answers everything that still waits with err.
func (d *desk) abandon(err error) {
	for n := range d.places {
		if n < len(d.places) && d.places[n].call != nil {
			d.settle(uint32(n), &replica.Reply{Err: err})
		}
	}
}
