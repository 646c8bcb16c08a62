package budget

import (
	"runtime"
	"testing"
	"time"
)

// Of those who wait, the one that asked first has others cut, and nobody else: one
// connection is cut for all of them, and thousands that wait cost no more than one.
func TestWhoAskedFirstHasOthersCut(t *testing.T) {
	b := New(Config{Now: time.Now, Stall: time.Millisecond})
	cut := 0
	open := func(held int64) *Account { return b.Open(held, Owner{Cut: func() { cut++ }, Trim: func() {}}) }
	large, early, late := open(1<<20), open(0), open(0)
	large.Waits(1, true)
	first, second := b.ask(1), b.ask(1)
	if late.press(second, time.Minute); cut != 0 {
		t.Error("the second that waits had another cut")
	}
	if early.press(first, time.Minute); cut != 1 {
		t.Error("the first that waits had nobody cut")
	}
	if b.forget(first); !b.first(second) {
		t.Error("nobody is the first")
	}
}

// What a connection holds is given back with its end, and goes to those who wait.
func TestCloseGivesBackToWhoWaits(t *testing.T) {
	b := New(Config{Limit: 1000, Now: time.Now, Stall: time.Hour})
	a, w := b.Open(0, Owner{}), b.Open(0, Owner{})
	if err := a.Reserve(700, time.Hour); err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	go func() { got <- w.Reserve(700, time.Hour) }()
	for b.asked.Load() == 0 {
		runtime.Gosched()
	}
	a.Close()
	if err := <-got; err != nil || b.Stats().Used != 700 || w.Held() != 700 {
		t.Errorf("%v; %d used, %d held", err, b.Stats().Used, w.Held())
	}
	if err := w.Reserve(701, 0); err == nil {
		t.Error("more was given than can be")
	}
}
