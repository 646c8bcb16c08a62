package codectest

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
	"pgregory.net/rapid"
)

// Pair is an encoder and its decoder, made alike so that every law is proved for all of
// them.
type Pair[T any] struct {
	Draw   func(*rapid.T) T
	Append func([]byte, T) []byte
	Decode func([]byte) (T, error)
}

// Laws checks these: what is decoded is what was encoded; the encoding is appended and
// nothing else; no memory is shared; every shorter input is refused, and every
// longer one; any MessagePack reader understands it.
func Laws[T any](t *testing.T, c Pair[T]) {
	rapid.Check(t, func(t *rapid.T) {
		v := c.Draw(t)
		b := c.Append([]byte("head"), v)
		if !bytes.HasPrefix(b, []byte("head")) {
			t.Fatal("the encoding is not appended")
		}
		b = b[4:]
		got, err := c.Decode(b)
		if err != nil {
			t.Fatalf("decode %x: %v", b, err)
		}
		readable(t, b)
		again := bytes.Clone(b)
		for n := range b {
			if _, err := c.Decode(b[:n]); err == nil {
				t.Fatalf("the first %d of %d bytes were accepted", n, len(b))
			}
		}
		if _, err := c.Decode(append(bytes.Clone(b), 0)); err == nil {
			t.Fatal("a byte too many was accepted")
		}
		clear(b)
		if !reflect.DeepEqual(got, v) {
			t.Fatalf("encoded %+v\ndecoded %+v", v, got)
		}
		if twice := c.Append(nil, got); !bytes.Equal(twice, again) {
			t.Fatalf("encoded once %x\ntwice       %x", again, twice)
		}
	})
}

// readable checks that a general reader takes b for one array that begins with a format.
func readable(t *rapid.T, b []byte) {
	all, err := AsMsgpack(b)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 {
		t.Fatalf("another MessagePack reader finds %d values", len(all))
	}
	got, ok := all[0].([]any)
	if !ok || len(got) == 0 {
		t.Fatalf("it is no array: %v", all[0])
	}
	if format, ok := got[0].(int8); !ok || format < 1 || format > 4 {
		t.Fatalf("the first element is %v, not the format", got[0])
	}
}

// AsMsgpack reads all values in b with msgpack/v5, and fails unless that writes them in
// the same bytes.
func AsMsgpack(b []byte) (all []any, err error) {
	dec := msgpack.NewDecoder(bytes.NewReader(b))
	var again bytes.Buffer
	enc := msgpack.NewEncoder(&again)
	enc.UseCompactInts(true)
	for {
		v, err := dec.DecodeInterface()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = enc.Encode(v)
		}
		if err != nil {
			return nil, fmt.Errorf("msgpack/v5 reads %x: %w", b, err)
		}
		all = append(all, v)
	}
	if !bytes.Equal(again.Bytes(), b) {
		return nil, fmt.Errorf("%x is written by msgpack/v5 as %x", b, again.Bytes())
	}
	return all, nil
}

// Fuzz feeds any bytes: a decoder either refuses them or gives a value that encodes to
// the very same bytes. Layouts that an older format was written in come back in the
// present one.
func Fuzz[T any](f *testing.F, c Pair[T], seed []byte) {
	f.Add(seed)
	f.Add([]byte{})
	f.Add([]byte{0xdd, 0x7f, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := c.Decode(b)
		if err != nil {
			return
		}
		again := c.Append(nil, v)
		if later, err := c.Decode(again); err != nil || !reflect.DeepEqual(v, later) {
			t.Fatalf("accepted %x\nre-encoded %x, which is %+v, %v", b, again, later, err)
		}
		if !bytes.Equal(again, b) && again[1] == b[1] {
			t.Fatalf("accepted %x\nre-encoded %x", b, again)
		}
	})
}

// Allocated is how many bytes f allocates.
func Allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
