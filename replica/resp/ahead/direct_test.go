//go:build unix

package ahead

import (
	"bytes"
	"io"
	"net"
	"testing"
)

// What the kernel takes at once arrives, in order and once, and nothing is waited for
// once it takes no more.
func TestDirectWritesWhatIsTakenAtOnce(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	d := NewDirect(nc)
	var sent []byte
	for i := 0; ; i++ {
		b := bytes.Repeat([]byte{byte(i)}, 64<<10)
		n := d.Write(b)
		sent = append(sent, b[:n]...)
		if n < len(b) {
			break
		}
	}
	if len(sent) == 0 || d.Write(nil) != 0 {
		t.Errorf("%d bytes were taken", len(sent))
	}
	if err := nc.Close(); err != nil {
		t.Fatal(err)
	}
	if n := d.Write([]byte("x")); n != 0 {
		t.Errorf("a closed connection took %d bytes", n)
	}
	if got, err := io.ReadAll(client); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d bytes of %d arrived: %v", len(got), len(sent), err)
	}
}

// What is no socket of the kernel's is written otherwise.
func TestDirectLeavesOthersAlone(t *testing.T) {
	one, other := net.Pipe()
	defer one.Close()
	defer other.Close()
	if n := NewDirect(one).Write([]byte("x")); n != 0 {
		t.Errorf("%d bytes were taken", n)
	}
}
