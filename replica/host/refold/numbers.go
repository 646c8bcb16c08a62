package refold

import (
	"hash/fnv"
	"strconv"

	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/codec"
	"kvd/wallclock"
)

// Numbers hands over the counters that another policy makes registers of and whose number is
// no value of a write in the log: whoever goes over to that policy sets them to their
// numbers first, under the policy that the store is under. Leaders that hold the same of a
// counter are given the same id. It is nothing where the policy will be refused, or where
// the store is half folded already.
func Numbers(store *storage.Store, policy resolve.Policy, now wallclock.Instant, use func(key string, id uint64) error) (under resolve.Policy, err error) {
	j, err := store.Judged()
	if err == nil {
		err = policy.Validate()
	}
	if err != nil || !j.Settled() || j.Policy.Same(&policy) {
		return j.Policy, err
	}
	r := &run{store: store, reads: store, to: policy, j: j}
	r.Now = func() wallclock.Interval { return wallclock.Around(now, 0) }
	if err := r.checkValues(); err != nil {
		return j.Policy, err
	}
	err = store.Keys("", func(key, object []byte) (bool, error) {
		k := string(key)
		if !r.leavesCounter(k) {
			return true, nil
		}
		o, err := codec.DecodeLent(object, k)
		if err != nil {
			return false, err
		}
		sum, live := o.Sum()
		if e, ends := o.Deadline(); !live || ends && e.Expires != 0 && e.Expires <= now {
			return true, nil
		}
		number := strconv.FormatInt(sum.Clamp(), 10)
		if told, err := r.tells(o, number); told || err != nil {
			return err == nil, err
		}
		return true, use(k, idOf(o))
	})
	return j.Policy, err
}

// idOf is equal for equal objects, and almost surely different for others of the key.
func idOf(o *resolve.Object) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(codec.AppendObjectAs(nil, o.Key, o))
	return h.Sum64()
}

// leavesCounter reports whether the key was served by a counter and will not be.
func (r *run) leavesCounter(key string) bool {
	return r.j.Policy.Panel(key).Serving == resolve.Counter && r.to.Panel(key).Serving != resolve.Counter
}

// tells reports whether a write in the log left the number, by a leader that had applied
// everything that was added.
func (r *run) tells(o *resolve.Object, number string) (bool, error) {
	for i := range o.Versions {
		if !o.Versions[i].Mask.Has(resolve.Counter) {
			continue
		}
		op, ok, err := r.store.Op(o.Versions[i].Dot)
		if err != nil {
			return false, err
		}
		all := ok && string(op.Value) == number
		for j := range o.Versions {
			all = all && (i == j || op.Deps.Covers(o.Versions[j].Dot))
		}
		if all {
			return true, nil
		}
	}
	return false, nil
}
