package replicatest_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kvd/replica/replicatest"
)

// failing takes a failure down instead of failing.
type failing struct {
	testing.TB
	said string
}

func (f *failing) Helper() {}

func (f *failing) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func TestEventuallyPollsUntilItHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		polls := 0
		replicatest.Eventually(t, "the third poll", func() bool { polls++; return polls == 3 })
		if polls != 3 {
			t.Errorf("%d polls", polls)
		}
	})
}

func TestEventuallyFailsAfterTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, f := time.Now(), &failing{TB: t}
		go replicatest.Eventually(f, "pigs fly", func() bool { return false })
		synctest.Wait()
		<-time.After(replicatest.Timeout)
		synctest.Wait()
		if !strings.Contains(f.said, "pigs fly") || time.Since(began) != replicatest.Timeout {
			t.Errorf("it says %q after %s", f.said, time.Since(began))
		}
	})
}

func TestPlayReplacesTheOutput(t *testing.T) {
	got := replicatest.Play("# say it twice\nsay a b\n  old\n\nsay\n", func(words []string) string {
		return strings.Repeat(strings.Join(words[1:], "+")+"\n", len(words)-1)
	})
	if want := "# say it twice\nsay a b\n  a+b\n  a+b\n\nsay\n"; got != want {
		t.Errorf("played\n%s\nwant\n%s", got, want)
	}
}
