package replicatest

import (
	"testing"
	"time"
)

// Timeout is how long anything that a test waits for may take, on a machine that does
// other things too. What fails takes as long.
const Timeout = 2 * time.Minute

// pollEvery is the time between two polls.
const pollEvery = 2 * time.Millisecond

// Eventually polls until ok, and fails the test when that takes longer than Timeout.
// What says what was expected. In a synctest bubble the time is the bubble's.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for end := time.After(Timeout); !ok(); {
		select {
		case <-poll.C:
		case <-end:
			t.Fatalf("not within %s: %s", Timeout, what)
		}
	}
}
