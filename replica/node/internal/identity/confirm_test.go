package identity

import (
	"cmp"
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"kvd/logical"
)

const origin, other = "0000000000000007", "0000000000000008"

// told is a page that has n2's view of the origin, which reaches seq.
func told(seq logical.Seq) *Statement {
	a := &Statement{Name: "n2", Origin: other}
	a.Frontier = append(a.Frontier, struct {
		Origin string
		Seq    logical.Seq
	}{origin, seq})
	return a
}

func (s *Statement) peer(name, origin, http string, alive bool) {
	s.Peers = append(s.Peers, struct {
		Name, Origin string
		Alive        bool
		HTTP         string
	}{name, origin, alive, http})
}

var refused = &net.OpError{Op: "dial", Err: errors.New("refused")}

// An origin is resumed unless somebody knows better; each row is one who does, or not. In
// the rows of everybody a member that says nothing does not agree.
func TestConfirm(t *testing.T) {
	for _, c := range []struct {
		name, says, everybody string // what is said against it; by everybody: also this
		change                func(*Statement)
		err                   error
	}{
		{name: "agrees", change: func(a *Statement) { a.peer("n1", origin, "", false) }},
		{name: "is away", everybody: "cannot be asked", err: refused},
		{name: "knows more", says: "our log ends at 5", change: func(a *Statement) { a.Frontier[0].Seq = 6 }},
		{name: "knows less", change: func(a *Statement) { a.Frontier[0].Seq = 4 }},
		{name: "holds it", says: "holds origin", change: func(a *Statement) { a.Origin = origin }},
		{name: "knows who holds it", says: "live leader n1", change: func(a *Statement) { a.peer("n1", origin, "live:1", true) }},
		{name: "knows who may hold it", says: "live leader n1", change: func(a *Statement) { a.peer("n1", origin, "silent:1", true) }},
		{name: "knows who may hold it, and not where", says: "live leader n1", change: func(a *Statement) { a.peer("n1", origin, "", true) }},
		{name: "knows who may hold it, cut off", says: "live leader n1", change: func(a *Statement) { a.peer("n1", origin, "cut:1", true) }},
		{name: "knows who holds it and hangs up", says: "live leader n1", change: func(a *Statement) { a.peer("n1", origin, "hangs:1", true) }},
		{name: "has not found out that another has our place", change: func(a *Statement) { a.peer("n1", origin, "other:1", true) }},
		{name: "has not found out that we ended", change: func(a *Statement) { a.peer("n1", origin, "gone:1", true) }},
		{name: "has not found out that we ended, here", change: func(a *Statement) { a.peer("n1", origin, "n1:1", true) }},
		{name: "takes another for us", change: func(a *Statement) { a.peer("n1", origin, "n2:1", true) }},
		{name: "knows somebody unknown", everybody: "never known", change: func(a *Statement) { a.peer("n9", "0000000000000009", "", false) }},
		{name: "holds ops", everybody: "has not applied", change: func(a *Statement) { a.GateOps = 1 }},
		{name: "is somebody else", everybody: "n3 answered", change: func(a *Statement) { a.Name = "n3" }},
		{name: "is somebody else who knows more", says: "our log ends at 5", everybody: "n3 answered", change: func(a *Statement) { a.Name, a.Frontier[0].Seq = "n3", 6 }},
		{name: "is somebody else, a copy of us", says: "holds origin", everybody: "n1 answered", change: func(a *Statement) { a.Name, a.Origin = "n1", origin }},
	} {
		for _, all := range []bool{false, true} {
			c1 := Confirmer{Self: "n1", HTTP: "n1:1", All: all, Own: logical.Dot{Origin: 7, Seq: 5}, Fetch: func(_ context.Context, addr string) (*Statement, error) {
				switch addr {
				case "live:1":
					return &Statement{Name: "n1", Origin: origin}, nil
				case "silent:1":
					return nil, context.DeadlineExceeded
				case "cut:1":
					return nil, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
				case "hangs:1":
					return nil, &net.OpError{Op: "read", Err: errors.New("reset")}
				case "other:1":
					return &Statement{Name: "n1", Origin: other}, nil
				case "gone:1":
					return nil, refused
				case "n1:1":
					t.Error("we are asked ourselves, and do not answer yet")
				}
				a := told(5)
				if c.change != nil {
					c.change(a)
				}
				return a, c.err
			}}
			want := c.says
			if all {
				want = cmp.Or(c.everybody, c.says)
			}
			silent, err := c1.Confirm(context.Background(), map[string]string{"n2": "n2:1"})
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("one that %s, everybody %t: %v", c.name, all, err)
			}
			if unasked := c.everybody != "" && (c.err != nil || strings.HasPrefix(c.name, "is somebody else")); unasked != (len(silent) == 1) {
				t.Errorf("one that %s: silent are %v", c.name, silent)
			}
		}
	}
	if _, err := (&Confirmer{}).Confirm(context.Background(), nil); err != nil {
		t.Errorf("nobody is known: %v", err)
	}
}

// Who does not answer costs the bound and no more, and is named.
func TestConfirmIsBounded(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	began := time.Now()
	c := Confirmer{Self: "n1", Fetch: (&Page{}).Fetch}
	if names, err := c.Confirm(context.Background(), map[string]string{"n2": silent.Addr().String()}); err != nil || len(names) != 1 {
		t.Errorf("silent are %v, %v", names, err)
	}
	if took := time.Since(began); took > 4*confirmWithin {
		t.Errorf("it took %s", took)
	}
}
