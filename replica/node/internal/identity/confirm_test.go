package identity

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kvd/logical"
)

func TestMarkIsTakenOnce(t *testing.T) {
	dir := t.TempDir()
	want := Mark{Origin: 1<<63 + 5, Seq: 9, Statuses: 70, Token: "t"}
	if err := leaveMark(dir, want); err != nil {
		t.Fatal(err)
	}
	if got, _, err := takeMark(dir); err != nil || got == nil || *got != want {
		t.Errorf("read %+v, %v", got, err)
	}
	if got, _, err := takeMark(dir); got != nil || err != nil {
		t.Errorf("read again %+v, %v", got, err)
	}
	if err := os.WriteFile(filepath.Join(dir, MarkFile), []byte(`{"origin": `), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, _, err := takeMark(dir); got != nil || err != nil {
		t.Errorf("half a mark is %+v, %v", got, err)
	}
}

// An origin is resumed only if everybody agrees; each row is one reason why not.
func TestConfirm(t *testing.T) {
	const own = "0000000000000007"
	fine := func() *Statement {
		a := &Statement{Name: "n2", Origin: "0000000000000008"}
		a.Frontier = append(a.Frontier, struct {
			Origin string
			Seq    logical.Seq
		}{own, 5})
		return a
	}
	peer := func(a *Statement, name, origin string, alive bool) {
		a.Peers = append(a.Peers, struct {
			Name, Origin string
			Alive        bool
		}{name, origin, alive})
	}
	for _, c := range []struct {
		name, says string
		change     func(*Statement)
		err        error
	}{
		{"agrees", "", func(a *Statement) { peer(a, "n1", own, false) }, nil},
		{"is away", "cannot be asked", nil, errors.New("refused")},
		{"knows more", "our log ends at 5", func(a *Statement) { a.Frontier[0].Seq = 6 }, nil},
		{"holds it", "holds origin", func(a *Statement) { a.Origin = own }, nil},
		{"knows who holds it", "live leader n1", func(a *Statement) { peer(a, "n1", own, true) }, nil},
		{"knows somebody unknown", "never known", func(a *Statement) { peer(a, "n9", "0000000000000009", false) }, nil},
		{"is somebody else", "n3 answered", func(a *Statement) { a.Name = "n3" }, nil},
	} {
		asker := Confirmer{Self: "n1", Own: logical.Dot{Origin: 7, Seq: 5}, Fetch: func(context.Context, string) (*Statement, error) {
			a := fine()
			if c.change != nil {
				c.change(a)
			}
			return a, c.err
		}}
		err := asker.Confirm(context.Background(), map[string]string{"n2": "n2:1"})
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("one that %s: %v", c.name, err)
		}
	}
	if err := (&Confirmer{}).Confirm(context.Background(), nil); err != nil {
		t.Errorf("nobody is known: %v", err)
	}
}

// An address where nobody ever answers costs the bound and no more.
func TestConfirmIsBounded(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	began := time.Now()
	c := Confirmer{Self: "n1", Fetch: (&Page{}).Fetch}
	if err := c.Confirm(context.Background(), map[string]string{"n2": silent.Addr().String()}); err == nil {
		t.Error("silence is taken for consent")
	}
	if took := time.Since(began); took > 4*confirmWithin {
		t.Errorf("it took %s", took)
	}
}
