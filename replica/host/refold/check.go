package refold

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/codec"
	"kvd/wallclock"
)

// objects is where objects are read: a store, or a moment of one that goes on.
type objects interface {
	Keys(after string, yield func(key, object []byte) (bool, error)) error
}

// Check says why objects that are under one policy cannot be brought under another: a
// [Refused], which names keys. It is for a leader that still serves, and reads a moment of its
// store; goes tells it to stop, with an error.
func Check(at objects, from, to resolve.Policy, now wallclock.Instant, goes func() error) error {
	if err := to.Validate(); err != nil {
		return err
	}
	r := &run{reads: watched{at, goes}, to: to, j: storage.Judged{Policy: from}}
	r.live = true
	r.Now = func() wallclock.Interval { return wallclock.Around(now, 0) }
	return r.checkValues()
}

// watched is objects that are read until somebody says stop.
type watched struct {
	objects
	goes func() error
}

func (w watched) Keys(after string, yield func(key, object []byte) (bool, error)) error {
	n := 0
	return w.objects.Keys(after, func(key, object []byte) (bool, error) {
		if n++; n%defaultPace == 0 {
			if err := w.goes(); err != nil {
				return false, err
			}
		}
		return yield(key, object)
	})
}

// check finds what cannot be folded again, before anything is changed: it reads the
// whole log, and what keys show that shall be counters.
func (r *run) check(ctx context.Context) error {
	if err := errors.Join(r.checkValues(), r.checkNumbers()); err != nil {
		return err
	}
	found := uint64(0)
	err := r.each(ctx, func(*resolve.Op) int { found++; return 0 }, func() error { return nil })
	if err != nil {
		return err
	}
	if want := r.held(); found != want {
		return &Refused{fmt.Sprintf("the log lacks %d of the %d ops that it should hold, and objects cannot be made anew without them: %s, "+
			"or give this leader an empty directory and let it fetch everything from the others", want-found, want, r.before())}
	}
	return nil
}

// before is what the operator can do: go on as it was.
func (r *run) before() string {
	switch {
	case r.live:
		return "look at them"
	case r.p.From == "":
		return "start it with the resolvers that it had before"
	}
	return "start it with the policy that it had before (" + r.p.From + ")"
}

// namedKeys is how many keys a refusal names.
const namedKeys = 10

// checkValues refuses to make a counter of a key that shows anything else than an
// integer: it would show zero, and what stood there would be hidden.
func (r *run) checkValues() error {
	if !r.makesCounters() {
		return nil
	}
	now := r.Now().Midpoint()
	return r.refuse(func(k string) bool { return r.to.Panel(k).Serving == resolve.Counter }, func(o *resolve.Object) bool { return !r.counts(o, now) },
		"%d keys that shall be counters hold values that are no integers, which a counter cannot show: %s; %s, "+
			"and write integers there or delete them; or give them another resolver")
}

// checkNumbers refuses to hide a number of which nothing is left but what counters keep of
// it: its additions have left the log, and what stood there as text went with them.
func (r *run) checkNumbers() error {
	if r.j.Unknown {
		return nil
	}
	return r.refuse(r.leavesCounter, func(o *resolve.Object) bool {
		_, live := o.Sum()
		return live && !slices.ContainsFunc(o.Versions, func(v resolve.Version) bool {
			return !v.Deleted() && (v.Value != nil || r.logged(v.Dot))
		})
	}, "%d counters have numbers that their log does not hold any more as values: %s; %s, and set each of them to its number once")
}

// refuse names the keys concerned for which that is wrong, if there are any. The text has
// verbs for how many they are, for their names, and for what the operator can do.
func (r *run) refuse(asked func(key string) bool, wrong func(*resolve.Object) bool, text string) error {
	var names []string
	n := 0
	err := r.reads.Keys("", func(key, object []byte) (bool, error) {
		k := string(key)
		if !r.concerns(k) || !asked(k) {
			return true, nil
		}
		o, err := codec.DecodeLent(object, k)
		if err != nil || !wrong(o) {
			return true, err
		}
		if n++; len(names) < namedKeys {
			names = append(names, strconv.Quote(k))
		}
		return true, nil
	})
	if err != nil || n == 0 {
		return err
	}
	if n > len(names) {
		names = append(names, fmt.Sprintf("and %d more", n-len(names)))
	}
	return &Refused{fmt.Sprintf(text, n, strings.Join(names, ", "), r.before())}
}

func (r *run) makesCounters() bool {
	if r.to.Default == resolve.Counter {
		return true
	}
	for _, rule := range r.to.Rules {
		if rule.Resolver == resolve.Counter {
			return true
		}
	}
	return false
}

// counts reports whether all that the key shows are integers. Where nobody knows
// who served it, all that it holds are asked.
func (r *run) counts(o *resolve.Object, now wallclock.Instant) bool {
	panel := r.j.Policy.Panel(o.Key)
	if !r.j.Unknown && panel.Serving == resolve.Counter {
		return true
	}
	served := map[int]bool{}
	for _, i := range panel.Survivors(o, panel.Serving, nil) {
		served[i] = true
	}
	for i := range o.Versions {
		v := &o.Versions[i]
		if !served[i] && !r.j.Unknown || v.Deleted() || v.Expired(now) || v.Value == nil {
			continue
		}
		if _, err := strconv.ParseInt(string(v.Value), 10, 64); err != nil {
			return false
		}
	}
	return true
}

// errFolding stops whoever would serve a store that is half folded.
var errFolding = errors.New("its objects were being folded again and are not yet; fold them first")

// Ensure puts the store under the policy, or fails. The policy is to be stored
// with the next batch unless it is there.
func Ensure(store *storage.Store, policy resolve.Policy, o Options) (stored bool, err error) {
	if err := Run(context.Background(), store, policy, o); err != nil {
		return false, err
	}
	j, err := store.Judged()
	if err == nil && j.Folding != nil {
		err = errFolding
	}
	return err == nil && j.Settled() && j.Policy.Same(&policy), err
}
