package lease_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kvd/replica/lease"
)

// TestEveryReplicaAgreesAndTokensRise plays random entries to two states, one of which is
// written and read between any two, and holds them to what package lease promises.
func TestEveryReplicaAgreesAndTokensRise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, other := lease.New(3), lease.New(3)
		given, last := map[lease.Token]string{}, map[lease.Name]lease.Token{}
		for index := uint64(1); index <= 60; index++ {
			name := rapid.SampledFrom([]lease.Name{"a", "b\xff", ""}).Draw(t, "name")
			e := lease.Entry{Kind: rapid.SampledFrom([]lease.Kind{lease.Acquire, lease.Renew, lease.Release, lease.Expire}).Draw(t, "kind"), Name: name,
				ID: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "id"), TTL: time.Second}
			before, held := one.Get(name)
			if e.Kind != lease.Acquire && rapid.Bool().Draw(t, "right token") {
				e.Token, e.Renewals = before.Token, before.Renewals
			}
			r := one.Apply(index, e)
			if got := other.Apply(index, e); got != r {
				t.Fatalf("two states answer %+v and %+v", r, got)
			}
			other = reread(t, other)
			switch {
			case r.Fresh && (held || given[r.Lock.Token] != "" || !last[name].Less(r.Lock.Token)):
				t.Fatalf("token %s of %q: held before %v, given before to %q, last %s", r.Lock.Token, name, held, given[r.Lock.Token], last[name])
			case e.Kind == lease.Acquire && held && e.ID == before.ID && r.Lock.Token != before.Token:
				t.Fatalf("the same acquire again got %s after %s", r.Lock.Token, before.Token)
			case e.Kind == lease.Acquire && held && e.ID != before.ID && r.Code != lease.Held:
				t.Fatalf("a lock that %s holds: %s got %+v", before.ID, e.ID, r)
			}
			if r.Fresh {
				given[r.Lock.Token], last[name] = e.ID, r.Lock.Token
			}
		}
		if !slices.Equal(one.Locks(), other.Locks()) || one.Bytes() != other.Bytes() {
			t.Fatalf("%v and %v", one.Locks(), other.Locks())
		}
	})
}

func reread(t *rapid.T, s *lease.State) *lease.State {
	var b bytes.Buffer
	if err := lease.Write(&b, s.Epoch(), s.Locks()); err != nil {
		t.Fatal(err)
	}
	back, err := lease.Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	return back
}

func TestAMillionLocksLeaveNothing(t *testing.T) {
	s := lease.New(1)
	for i := uint64(1); i <= 1_000_000; i++ {
		name := lease.Name(fmt.Sprint("lock", i))
		r := s.Apply(2*i, lease.Entry{Kind: lease.Acquire, Name: name, ID: "x", TTL: time.Second})
		end := lease.Entry{Kind: lease.Release, Name: name, Token: r.Lock.Token}
		if i%2 == 0 {
			end.Kind = lease.Expire
		}
		if r := s.Apply(2*i+1, end); r.Code != lease.Done {
			t.Fatalf("%+v", r)
		}
	}
	var b bytes.Buffer
	if err := lease.Write(&b, s.Epoch(), s.Locks()); err != nil || s.Len() != 0 || s.Bytes() != 0 || b.Len() > 64 {
		t.Errorf("%d locks of %d bytes are left, %d bytes written, %v", s.Len(), s.Bytes(), b.Len(), err)
	}
}

func TestLocksAreBoundedInBytes(t *testing.T) {
	s, full := lease.New(1), false
	for i := uint64(1); i <= 20_000 && !full; i++ {
		full = s.Apply(i, lease.Entry{Kind: lease.Acquire, Name: lease.Name(fmt.Sprintf("%01000d", i)), ID: "x", TTL: time.Second}).Code == lease.Full
	}
	if !full || s.Bytes() > lease.MaxBytes {
		t.Errorf("full %v at %d bytes", full, s.Bytes())
	}
	r := s.Apply(99_999, lease.Entry{Kind: lease.Release, Name: lease.Name(fmt.Sprintf("%01000d", 1))})
	if r.Code != lease.Done {
		t.Errorf("released without a token: %+v", r)
	}
}

func TestTokensAreReadAsTheyAreWritten(t *testing.T) {
	for text, good := range map[string]bool{"1.42": true, "2.18446744073709551615": true, "": false, "1": false, "0.1": false, "1.0": false, "01.2": false, "1.2.3": false, "-1.2": false, "1.18446744073709551616": false} {
		k, err := lease.ParseToken(text)
		if (err == nil) != good || good && k.String() != text {
			t.Errorf("%q is read as %v, %v", text, k, err)
		}
	}
	if !(lease.Token{Epoch: 1, Index: 9}).Less(lease.Token{Epoch: 2, Index: 1}) || (lease.Token{Epoch: 2, Index: 1}).Less(lease.Token{Epoch: 2, Index: 1}) {
		t.Error("a later epoch is greater, and nothing is less than itself")
	}
}
