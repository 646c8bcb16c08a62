package resp

import (
	"bytes"
	"testing"
)

// BenchmarkDrip is one command of 20,000 arguments that arrives in pieces of 256
// bytes.
func BenchmarkDrip(b *testing.B) {
	in := append([]byte("*20001\r\n$4\r\nMSET\r\n"), bytes.Repeat([]byte("$1\r\nx\r\n"), 20000)...)
	l := DefaultLimits()
	for b.Loop() {
		r := NewReader(&chunks{rest: in, sizes: []byte{255}}, &l)
		for {
			if _, ok, err := r.Next(); ok || err != nil {
				break
			}
			if r.Fill() != nil {
				b.Fatal("the command did not arrive")
			}
		}
	}
}
