package server_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kvd/replica/replicatest"
	"kvd/replica/resp/resptest"
	"kvd/replica/resp/server"
)

// Who is read to from one moment of the store takes it in time: nothing is cleared away
// meanwhile.
func TestSlowTakersDoNotHoldTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := resptest.Start(t, replicatest.NewPipes("pipe"), func(c *server.Config) { c.Send = time.Second })
		defer r.Stop()
		c := r.Dial()
		for _, key := range []string{"a", "b"} {
			c.Want("+OK\r\n", "SET", key, strings.Repeat("x", 9<<20))
		}
		c.Send(resptest.Encode("MGET", "a", "b"))
		time.Sleep(3 * time.Second) // virtual
		synctest.Wait()
		if n := r.Server.Stats().Slow; n != 1 {
			t.Errorf("slow clients counted: %d", n)
		}
	})
}
