package state

import (
	"slices"

	"kvd/replica/host/internal/cache"
	"kvd/resolve"
	"kvd/storage/codec"
)

// What the cache has is objects as the store holds them, so that a million of them are
// no more to the garbage collector than a few. Each is marked with how it is read.
const (
	anyObject   uint8 = iota // is decoded for each reader
	plainObject              // shows its one value, at any time
	pastObject               // needs to ask what else is stored
	noObject                 // nothing is stored of the key
)

// markOf says how readers find out what the object shows.
func (s *Committed) markOf(o *resolve.Object) uint8 {
	switch {
	case len(o.Versions) == 0:
		return noObject
	case o.Duplicates:
		return pastObject
	case len(o.Versions) > 1 || o.Versions[0].Deleted() || o.HasTTL():
		return anyObject
	}
	// A version that is marked with more than resolvers is read with it.
	p, mask := s.Policy.Panel(o.Key), o.Versions[0].Mask
	if p.Serving == resolve.Counter || p.Rules != nil || !mask.Has(p.Serving) || mask&^resolve.All != 0 {
		return anyObject
	}
	return plainObject
}

// put takes in an object that is durable; the lock is held. Where the cache has all
// there is, that it has nothing says as much.
func (s *Committed) put(key string, encoded []byte, mark uint8) {
	if mark == noObject && s.knowsAll() {
		s.objects.Drop(key)
		return
	}
	s.objects.Put(key, encoded, mark)
}

// putAll takes in the objects of a batch that is durable; the lock is held. What a put looks
// for in memory is asked for ahead, of many keys at a time: it is long ago that steps did.
func (s *Committed) putAll(g *sealed) {
	for i, o := range g.dirty {
		if i%cache.TouchTogether == 0 {
			s.keys = s.keys[:0]
			for _, o := range g.dirty[i:min(i+cache.TouchTogether, len(g.dirty))] {
				s.keys = append(s.keys, o.Key)
			}
			s.objects.Touch(s.keys)
			clear(s.keys)
		}
		s.put(o.Key, g.encoded[i], s.marks[i])
	}
}

// knowsAll reports whether nothing is stored of a key that the cache does not have.
func (s *Committed) knowsAll() bool { return s.whole && !s.objects.Lost() }

// Touch lets the processor read what it is about to need of these keys; see [cache.Cache.Touch].
func (s *Committed) Touch(keys []string) {
	s.mu.RLock()
	s.objects.Touch(keys)
	s.mu.RUnlock()
}

// arena is memory for what many objects refer to, allocated in pieces and never written to
// twice. A piece lives for as long as anybody refers to it, which is for a batch or two.
type arena struct{ rest []byte }

// arenaBytes is a piece, and a larger copy has its own.
const arenaBytes = 16 << 10

func (a *arena) clone(b []byte) []byte {
	if len(b) > arenaBytes/16 {
		return slices.Clone(b)
	}
	if len(b) > len(a.rest) {
		a.rest = make([]byte, arenaBytes)
	}
	c := a.rest[:copy(a.rest, b):len(b)]
	a.rest = a.rest[len(b):]
	return c
}

// object is the key's object, which is the caller's; nil: ask the store. What it refers to
// is the caller's arena's, and the object itself may be one of spare.
func (s *Committed) object(key string, a *arena, spare *objects) *resolve.Object {
	s.mu.RLock()
	e, ok := s.objects.Get(key)
	absent := ok && e.Mark == noObject || !ok && !s.closed && s.knowsAll()
	if !e.Lasting {
		e.Value = a.clone(e.Value)
	}
	s.mu.RUnlock()
	switch {
	case absent:
		return spare.next(key)
	case !ok:
		return nil
	}
	o, err := codec.DecodeLentTo(spare.next(key), e.Value, key)
	if err != nil {
		return nil
	}
	return o
}

// keep takes in an object that the store held at from; nil: that it holds now,
// said by whoever writes to it.
func (s *Committed) keep(o *resolve.Object, from *Snapshot) {
	s.noteTTL(o)
	mark, encoded := s.markOf(o), []byte(nil)
	if mark != noObject {
		encoded = codec.AppendObjectAs(nil, "", o)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if from == nil || from == s.snapshot {
		s.put(o.Key, encoded, mark)
	}
}
