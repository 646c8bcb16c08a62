package server_test

import (
	"bytes"
	"io"
	"net"
	"strconv"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/command"
	"kvd/replica/resp/server"
)

// instant is an engine that answers at once: what is measured is the edge.
type instant struct{ replies []replica.Reply }

func (e *instant) Do(reqs []*replica.Request, done func([]replica.Reply)) error {
	e.replies = e.replies[:0]
	for _, r := range reqs {
		e.replies = append(e.replies, replica.Reply{ID: r.ID, Dot: logical.Dot{Origin: 1, Seq: 1}})
	}
	done(e.replies)
	return nil
}

// loop is a connection that sends the same bytes again and again.
type loop struct {
	net.Conn
	in   []byte
	left int // how often
}

func (l *loop) Read(b []byte) (int, error) {
	if l.left == 0 {
		return 0, io.EOF
	}
	l.left--
	return copy(b, l.in), nil
}
func (l *loop) Write(b []byte) (int, error)      { return len(b), nil }
func (l *loop) Close() error                     { return nil }
func (l *loop) SetReadDeadline(time.Time) error  { return nil }
func (l *loop) SetWriteDeadline(time.Time) error { return nil }
func (l *loop) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (l *loop) RemoteAddr() net.Addr             { return &net.TCPAddr{} }

func pipeline(n int, value string) []byte {
	var b []byte
	for i := range n {
		key := "key:" + strconv.Itoa(1000000+i)
		b = append(b, "*3\r\n$3\r\nSET\r\n$"+strconv.Itoa(len(key))+"\r\n"+key+"\r\n$"+strconv.Itoa(len(value))+"\r\n"+value+"\r\n"...)
	}
	return b
}

// serveSets runs the edge over n pipelines of 16 SETs.
func serveSets(tb testing.TB, in []byte, n int) {
	cfg := server.Defaults()
	cfg.Commands = command.Table(command.Options{})
	s, err := server.New(cfg, &instant{}, nil, nil)
	if err != nil {
		tb.Fatal(err)
	}
	s.ServeOne(&loop{in: in, left: n})
	if got := s.Stats().Commands; got != uint64(16*n) {
		tb.Fatalf("%d commands were served, want %d", got, 16*n)
	}
}

// BenchmarkPipeline16 is the cost of a pipeline of 16 SETs of 100 bytes in the
// edge alone: parse, copy, hand over, render.
func BenchmarkPipeline16(b *testing.B) {
	in := pipeline(16, string(bytes.Repeat([]byte("x"), 100)))
	b.ReportAllocs()
	serveSets(b, in, b.N)
}

// TestAllocationsOfASet holds the edge to two: the key and the value.
func TestAllocationsOfASet(t *testing.T) {
	in := pipeline(16, "value")
	const rounds = 200
	per := testing.AllocsPerRun(5, func() { serveSets(t, in, rounds) }) - testing.AllocsPerRun(5, func() { serveSets(t, in, 1) })
	if per /= 16 * (rounds - 1); per > 2.1 {
		t.Errorf("%.2f allocations for a SET in a pipeline of 16, want 2", per)
	}
}
