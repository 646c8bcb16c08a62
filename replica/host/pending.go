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

// calls are used again: most of a call is memory for replies.
var calls = sync.Pool{New: func() any { return new(call) }}

// maxSpareReplies is for how many replies a call keeps memory when it is used again.
const maxSpareReplies = 1024

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
	if cap(k.replies) > maxSpareReplies {
		k.replies = nil
	}
	calls.Put(k)
}

// pending matches replies with the calls that wait for them. Requests are numbered by
// slots, which are used again; a number also says how often its slot was used before.
type pending struct {
	slots []slot
	free  []uint32
}

// slot is one request that waits for its reply.
type slot struct {
	call  *call // nil: the slot is free
	index int   // of the request in its call
	id    uint64
	uses  uint32
}

// add gives the call's requests numbers, and keeps those of the edge for the replies.
func (p *pending) add(k *call) {
	for i, r := range k.reqs {
		if len(p.free) == 0 {
			p.free = append(p.free, uint32(len(p.slots)))
			p.slots = append(p.slots, slot{})
		}
		n := p.free[len(p.free)-1]
		p.free = p.free[:len(p.free)-1]
		s := &p.slots[n]
		s.call, s.index, s.id = k, i, r.ID
		s.uses++
		r.ID = uint64(s.uses)<<32 | uint64(n)
	}
}

// answer gives out replies; a call whose last one came is done.
func (p *pending) answer(replies []replica.Reply) {
	for i := range replies {
		r := &replies[i]
		n := uint32(r.ID)
		if int(n) < len(p.slots) && p.slots[n].call != nil && p.slots[n].uses == uint32(r.ID>>32) {
			p.file(n, r)
		}
	}
}

// file files the reply to the request in slot n.
func (p *pending) file(n uint32, r *replica.Reply) {
	s := &p.slots[n]
	k := s.call
	k.replies[s.index] = *r
	k.replies[s.index].ID = s.id
	s.call = nil
	p.free = append(p.free, n)
	if k.left--; k.left == 0 {
		k.done(k.replies)
		k.recycle()
		p.shrink()
	}
}

// maxIdleSlots is how many slots are kept when nobody waits.
const maxIdleSlots = 1 << 14

// shrink lets go of what a call of very many requests needed, once nobody waits.
func (p *pending) shrink() {
	if len(p.slots) > maxIdleSlots && len(p.free) == len(p.slots) {
		p.slots, p.free = nil, nil
	}
}

// abandon answers everything that still waits with err.
func (p *pending) abandon(err error) {
	for n := range p.slots {
		if n < len(p.slots) && p.slots[n].call != nil {
			p.file(uint32(n), &replica.Reply{Err: err})
		}
	}
}
