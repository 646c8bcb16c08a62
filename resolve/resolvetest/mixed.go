package resolvetest

import (
	"cmp"
	"slices"

	"pgregory.net/rapid"

	"kvd/resolve"
)

// MixedPasts draws histories in which every leader is given another panel now and
// then and folds its log again under that; ops go from leader to leader whatever
// the panels.
func MixedPasts() *rapid.Generator[Past] {
	return rapid.Custom(func(t *rapid.T) Past {
		w := newWorld(t, anyPanel(t))
		for _, l := range w.leaders {
			w.fail(l.Judge(anyPanel(t)))
		}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			if w.past.Err != nil {
				break
			}
			if rapid.IntRange(0, 7).Draw(t, "change") == 0 {
				w.fail(rapid.SampledFrom(w.leaders).Draw(t, "leader").Judge(anyPanel(t)))
				continue
			}
			w.step(t)
		}
		return w.past
	})
}

func anyPanel(t *rapid.T) resolve.Panel {
	return Panel(t, rapid.SampledFrom(resolve.IDs()).Draw(t, "serving"))
}

// Panel is one that id serves, with few, many or no shadows.
func Panel(t *rapid.T, id resolve.ID) resolve.Panel {
	shadows := resolve.Mask(rapid.SampledFrom([]int{0, int(resolve.All), rapid.IntRange(0, int(resolve.All)).Draw(t, "some")}).Draw(t, "shadows"))
	return resolve.Panel{Serving: id, Shadows: shadows &^ id.Mask()}
}

// Judge gives the leader another panel: it folds its log again, in the order of
// Lamport stamps.
func (l *Leader) Judge(p resolve.Panel) error {
	again := NewReplica(p, l.Object.Key)
	for _, op := range ByLamport(l.Log) {
		if err := again.Apply(op); err != nil {
			return err
		}
	}
	l.Replica = again
	return nil
}

// ByLamport is the ops in the order in which a log is read.
func ByLamport(ops []*resolve.Op) []*resolve.Op {
	return slices.SortedFunc(slices.Values(ops), func(a, b *resolve.Op) int {
		return cmp.Or(cmp.Compare(a.Lamport, b.Lamport), a.Dot.Compare(b.Dot))
	})
}
