package host

import "kvd/replica"

// touchKeys is for about how many keys memory is read ahead of their steps.
const touchKeys = 64

// touch reads ahead what the first of the items are about, and says of how many, at least
// one.
func (p *Pump) touch(items []item) (n int) {
	keys := p.keys[:0]
	for n < len(items) && len(keys) < touchKeys {
		keys = items[n].appendKeys(keys)
		n++
	}
	p.committed.Touch(keys)
	clear(keys)
	p.keys = keys[:0]
	return n
}

// appendKeys appends keys that the item is about: of a message the first ones.
func (it *item) appendKeys(keys []string) []string {
	if it.call != nil {
		for _, q := range it.call.reqs[:min(len(it.call.reqs), touchKeys)] {
			keys = append(keys, q.Key)
		}
		return keys
	}
	in, _ := it.in.(replica.Received)
	if b, ok := in.Message.(*replica.Batch); ok {
		for _, op := range b.Ops[:min(len(b.Ops), 4*touchKeys)] {
			keys = append(keys, op.Key)
		}
	}
	return keys
}
