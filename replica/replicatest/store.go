package replicatest

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
)

// Store is a replica.Reader over maps. The zero Store is not usable; make one
// with New.
type Store struct {
	Objects   map[string]*resolve.Object
	Log       map[logical.Dot]*resolve.Op
	Requests  map[Request]logical.Dot
	Groups    map[logical.Dot][]logical.Dot // of each dot of a request with several: all of them
	Ledger    map[Row]resolve.Loss
	Conflicts map[logical.Dot][]*resolve.Op // what others have under dots of the log
	Settled   map[logical.Dot]logical.Dot   // dots given twice that are mended: by which op

	sums map[logical.Origin][]uint64 // by place
	out  *replica.Output
	seen int // puts of out that were applied
}

// Request is what a client's retry is known by.
type Request struct{ Client, Number uint64 }

// Row is what a loss is found by.
type Row struct {
	Resolver resolve.ID
	Key      string
	Loser    logical.Dot
}

var _ replica.Reader = (*Store)(nil)

// New is an empty store that counts every put appended to out as stored.
func New(out *replica.Output) *Store {
	return &Store{
		Objects:   map[string]*resolve.Object{},
		Log:       map[logical.Dot]*resolve.Op{},
		Requests:  map[Request]logical.Dot{},
		Groups:    map[logical.Dot][]logical.Dot{},
		Ledger:    map[Row]resolve.Loss{},
		Conflicts: map[logical.Dot][]*resolve.Op{},
		Settled:   map[logical.Dot]logical.Dot{},
		sums:      map[logical.Origin][]uint64{},
		out:       out,
	}
}

// Reset empties the output, whose puts are kept.
func (s *Store) Reset() {
	s.catchUp()
	s.out.Reset()
	s.seen = 0
}

// catchUp applies the puts that were appended since the last look.
func (s *Store) catchUp() {
	for ; s.seen < len(s.out.Puts); s.seen++ {
		s.Apply(s.out.Puts[s.seen])
	}
}

// Apply stores one put.
func (s *Store) Apply(p replica.Put) {
	switch p := p.(type) {
	case replica.PutOp:
		s.Log[p.Op.Dot] = p.Op
	case replica.PutObject:
		s.Objects[p.Object.Key] = p.Object
		if len(p.Object.Versions) == 0 && !p.Object.Duplicates {
			delete(s.Objects, p.Object.Key)
		}
	case replica.PutRequest:
		s.Requests[Request{p.Client, p.Number}] = p.Dot
	case replica.PutDuplicates:
		for _, d := range p.Dots {
			s.Groups[d] = p.Dots
		}
	case replica.PutConflict:
		s.Conflicts[p.Op.Dot] = append(s.Conflicts[p.Op.Dot], p.Op)
	case replica.PutSettled:
		if _, settled := s.Settled[p.Dot]; !settled {
			s.Settled[p.Dot] = p.By
		}
	case replica.PutLoss:
		for l := range p.Losses {
			s.Ledger[Row{l.Resolver, l.Key, l.Loser}] = l
		}
	case replica.DropLoss:
		for id := range p.Resolvers.Each {
			delete(s.Ledger, Row{id, p.Key, p.Loser})
		}
	}
}

// Object is a copy of the key's object.
func (s *Store) Object(key string) *resolve.Object {
	s.catchUp()
	if o, ok := s.Objects[key]; ok {
		return o.Clone()
	}
	return &resolve.Object{Key: key}
}

// Op is the op with dot d.
func (s *Store) Op(d logical.Dot) (*resolve.Op, bool) {
	s.catchUp()
	op, ok := s.Log[d]
	return op, ok
}

// Ops lists origin's ops from place from on.
func (s *Store) Ops(origin logical.Origin, from logical.Seq, maxOps, maxBytes int) []*resolve.Op {
	s.catchUp()
	var ops []*resolve.Op
	for bytes := 0; len(ops) < maxOps; from++ {
		op, ok := s.Log[logical.Dot{Origin: origin, Seq: from}]
		if !ok {
			break
		}
		if bytes += op.Size(); len(ops) > 0 && bytes > maxBytes {
			break
		}
		ops = append(ops, op)
	}
	return ops
}

// Request is the dot a request was given.
func (s *Store) Request(client, number uint64) (logical.Dot, bool) {
	s.catchUp()
	d, ok := s.Requests[Request{client, number}]
	return d, ok
}

// Duplicates is all dots of d's request.
func (s *Store) Duplicates(d logical.Dot) []logical.Dot {
	s.catchUp()
	return s.Groups[d]
}

// Lost is the resolvers under which the ledger holds d as lost.
func (s *Store) Lost(key string, d logical.Dot) resolve.Mask {
	s.catchUp()
	var m resolve.Mask
	for _, id := range resolve.IDs() {
		if _, ok := s.Ledger[Row{id, key, d}]; ok {
			m |= id.Mask()
		}
	}
	return m
}

// Rows lists the ledger by resolver, key and dot.
func (s *Store) Rows() []resolve.Loss {
	s.catchUp()
	rows := make([]resolve.Loss, 0, len(s.Ledger))
	for _, l := range s.Ledger {
		rows = append(rows, l)
	}
	slices.SortFunc(rows, func(a, b resolve.Loss) int {
		return cmp.Or(cmp.Compare(a.Resolver, b.Resolver), cmp.Compare(a.Key, b.Key), a.Loser.Compare(b.Loser))
	})
	return rows
}

// Keys lists the keys that have an object, sorted.
func (s *Store) Keys() []string {
	s.catchUp()
	keys := make([]string, 0, len(s.Objects))
	for k := range s.Objects {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Sum adds up the log of through's origin, op by op, each once.
func (s *Store) Sum(through logical.Dot) (uint64, bool) {
	s.catchUp()
	sums := s.sums[through.Origin]
	for seq := logical.Seq(len(sums)) + 1; seq <= through.Seq; seq++ {
		op, ok := s.Log[logical.Dot{Origin: through.Origin, Seq: seq}]
		if !ok {
			return 0, false
		}
		sum := xxhash.Sum64String(text(op))
		if len(sums) > 0 {
			sum += sums[len(sums)-1]
		}
		sums = append(sums, sum)
		s.sums[through.Origin] = sums
	}
	return sums[through.Seq-1], true
}

// Same compares everything.
func (s *Store) Same(op *resolve.Op) (same, held bool) {
	s.catchUp()
	mine, ok := s.Log[op.Dot]
	return ok && text(mine) == text(op), ok
}

func text(op *resolve.Op) string { return fmt.Sprintf("%+v", *op) }
