package server_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kvd/replica/resp/server"
)

// Who is read to from one moment of the store takes it in time: nothing is cleared away
// meanwhile.
func TestSlowTakersDoNotHoldTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, newPipes(), func(c *server.Config) { c.Send = time.Second })
		defer r.stop()
		c := r.dial()
		for _, key := range []string{"a", "b"} {
			c.want("+OK\r\n", "SET", key, strings.Repeat("x", 9<<20))
		}
		c.send(encode("MGET", "a", "b"))
		time.Sleep(3 * time.Second) // virtual
		synctest.Wait()
		if n := r.srv.Stats().Slow; n != 1 {
			t.Errorf("slow clients counted: %d", n)
		}
	})
}
