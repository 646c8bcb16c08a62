package server_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"testing"

	"kvd/replica"
	"kvd/replica/command"
	"kvd/replica/resp/server"
)

// handed is an engine without a leader: one goroutine answers, as a pump would,
// so that the hand-over between goroutines is part of what is measured.
type handed struct{ queue chan func() }

func newHanded() *handed {
	h := &handed{queue: make(chan func(), 256)}
	go func() {
		for f := range h.queue {
			f()
		}
	}()
	return h
}

func (h *handed) Do(reqs []*replica.Request, done func([]replica.Reply)) error {
	h.queue <- func() { _ = (&instant{}).Do(reqs, done) } // instant never fails
	return nil
}

// BenchmarkLoopback is 20 connections over TCP, each sending a pipeline of SETs
// and waiting for the replies; one operation is one SET.
func BenchmarkLoopback(b *testing.B) {
	for _, depth := range []struct {
		name string
		n    int
	}{{"P1", 1}, {"P16", 16}, {"P64", 64}} {
		b.Run(depth.name, func(b *testing.B) {
			e := newHanded()
			defer close(e.queue)
			cfg := server.Defaults()
			cfg.Commands = command.Table(command.Options{})
			s, err := server.New(cfg, e, nil, nil)
			if err != nil {
				b.Fatal(err)
			}
			l := listenAt(b)
			done := make(chan error, 1)
			go func() { done <- s.Serve(context.Background(), l) }()
			drive(b, l.Addr().String(), depth.n)
			if err := s.Shutdown(context.Background()); err != nil {
				b.Error(err)
			}
			if err := <-done; err != nil {
				b.Error(err)
			}
		})
	}
}

func listenAt(b *testing.B) net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	return l
}

func drive(b *testing.B, addr string, depth int) {
	const conns = 20
	in := pipeline(depth, string(bytes.Repeat([]byte("x"), 100)))
	rounds := max(1, b.N/(conns*depth))
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for range conns {
		wg.Go(func() {
			nc, err := net.Dial("tcp", addr)
			if err != nil {
				b.Error(err)
				return
			}
			defer nc.Close()
			replies := make([]byte, 5*depth)
			for range rounds {
				if _, err := nc.Write(in); err != nil {
					b.Error(err)
					return
				}
				if _, err := io.ReadFull(nc, replies); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
}
