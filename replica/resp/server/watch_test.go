package server_test

import (
	"errors"
	"testing"

	"kvd/replica/resp/resptest"
)

// TestExecSaysThatNothingWasDone: where it cannot be read whether a watched key has changed,
// EXEC is answered an error, and nothing of the transaction is done.
func TestExecSaysThatNothingWasDone(t *testing.T) {
	r := resptest.Start(t, resptest.TCP(t), nil)
	defer r.Stop()
	c := r.Dial()
	defer c.Conn.Close()
	c.Want("+OK\r\n", "WATCH", "b")
	c.Want("+OK\r\n", "MULTI")
	c.Want("+QUEUED\r\n", "SET", "x", "1")
	r.Leader.Break("b", errors.New("the disk is gone"))
	c.Want("-EXECABORT Transaction discarded: whether what is watched has changed could not be read (ERR update \"b\": the disk is gone); nothing of it was done\r\n", "EXEC")
	c.Want("$-1\r\n", "GET", "x")
	r.Leader.Break("b", nil)
	c.Want("+OK\r\n", "WATCH", "a", "b")
	c.Want("+OK\r\n", "MULTI")
	c.Want("+QUEUED\r\n", "SET", "x", "1")
	c.Want("*1\r\n+OK\r\n", "EXEC")
	c.Want("$1\r\n1\r\n", "GET", "x")
}
