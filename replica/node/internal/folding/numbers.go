package folding

import (
	"errors"
	"strconv"

	"kvd/replica"
	"kvd/replica/host"
	"kvd/replica/host/refold"
	"kvd/resolve"
	"kvd/storage"
)

// numbersAtOnce is how many counters are set with one batch.
const numbersAtOnce = 512

// KeepNumbers sets counters that the policy makes registers of to their numbers, where no
// write says them. Open gives a pump under the policy that the store is under; it is asked
// for only if there is such a counter. That is a write like any other: other leaders get
// it, and a counter does not change by it. Done twice it is done once.
func KeepNumbers(store *storage.Store, policy resolve.Policy, clock host.Clock, open func(under resolve.Policy) (*host.Pump, error)) (set int, err error) {
	any := errors.New("there is one")
	under, err := refold.Numbers(store, policy, clock.Now().Wall.Midpoint(), func(string, uint64) error { return any })
	if !errors.Is(err, any) {
		return 0, err
	}
	pump, err := open(under)
	if err != nil {
		return 0, err
	}
	n := numbers{pump: pump, clock: clock}
	_, err = refold.Numbers(store, policy, clock.Now().Wall.Midpoint(), n.add)
	if err == nil {
		err = n.write()
	}
	return n.set, errors.Join(err, pump.Close())
}

type numbers struct {
	pump  *host.Pump
	clock host.Clock
	reqs  []replica.Input
	set   int
}

// author is who makes these requests: leaders that set a counter to one number make one
// request, which is shown once.
const author = 0x6b76_6420_6e75_6d73

func (n *numbers) add(key string, id uint64) error {
	n.reqs = append(n.reqs, &replica.Request{ID: uint64(len(n.reqs)) + 1, Verb: replica.Update, Key: key, Decide: same, Client: author, Number: id})
	if len(n.reqs) < numbersAtOnce {
		return nil
	}
	return n.write()
}

// same writes what is shown, with the deadline that it has.
func same(p replica.Present) (replica.Write, error) {
	if len(p.Reading.Values) != 1 {
		return replica.Write{Verb: replica.Get}, nil
	}
	number, err := strconv.ParseInt(string(p.Reading.Values[0]), 10, 64)
	return replica.Write{Verb: replica.Set, Value: strconv.AppendInt(nil, number, 10), Keep: true}, err
}

func (n *numbers) write() error {
	if len(n.reqs) == 0 {
		return nil
	}
	if err := errors.Join(n.pump.Step(n.clock.Now(), n.reqs...), n.pump.Commit()); err != nil {
		return err
	}
	for _, r := range n.pump.Release().Replies {
		if r.Err != nil {
			return r.Err
		}
	}
	n.set += len(n.reqs)
	n.reqs = nil
	return nil
}
