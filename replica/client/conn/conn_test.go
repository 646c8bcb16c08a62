package conn

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// answered is a connection to a server that answers whatever it is sent with text,
// and tells what it was sent.
func answered(t *testing.T, text string) (*Conn, *strings.Builder) {
	t.Helper()
	near, far := net.Pipe()
	var sent strings.Builder
	go func() {
		b := make([]byte, 1024)
		n, _ := far.Read(b)
		sent.Write(b[:n])
		_, _ = io.WriteString(far, text) // what a client gives up reading of is what some tests are about
		_ = far.Close()
	}()
	c := New(near)
	t.Cleanup(func() { _ = c.Close() })
	return c, &sent
}

// said reads what a server sends as soon as it is sent something.
func said(t *testing.T, text string) *Conn {
	t.Helper()
	c, _ := answered(t, text)
	c.Literal("\r\n")
	if err := c.Send(); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRepliesOfEveryKind(t *testing.T) {
	text := func(kind byte, s string) Reply { return Reply{Kind: kind, Text: s} }
	list := func(kind byte, items ...Reply) Reply { return Reply{Kind: kind, Items: items} }
	for in, want := range map[string]Reply{
		"+OK\r\n": text('+', "OK"), "-ERR no\r\n": text('-', "ERR no"), ":-7\r\n": {Kind: ':', Text: "-7", Int: -7},
		"$3\r\na\r\n\r\n": text('$', "a\r\n"), "=2\r\nhi\r\n": text('=', "hi"), "$-1\r\n": {Kind: '$', Null: true}, "*-1\r\n": {Kind: '*', Null: true}, "_\r\n": {Kind: '_', Null: true},
		",1.5\r\n": text(',', "1.5"), "#t\r\n": text('#', "t"), "(123\r\n": text('(', "123"),
		"*2\r\n+a\r\n*0\r\n": list('*', text('+', "a"), list('*')), "%1\r\n+a\r\n:1\r\n": list('%', text('+', "a"), Reply{Kind: ':', Text: "1", Int: 1}),
		"~1\r\n$0\r\n\r\n": list('~', text('$', "")), ">1\r\n-no\r\n": list('>', text('-', "no")),
	} {
		got, err := said(t, in).Reply()
		if err != nil || !got.Equal(want) {
			t.Errorf("%q: %+v, %v; want %+v", in, got, err, want)
		}
		_, err = said(t, in).Value(nil)
		if (err != nil) != (want.Kind == '-') || err != nil && !IsRefused(err) {
			t.Errorf("%q passed over: %v", in, err)
		}
	}
}

func TestRepliesThatAreNoneFail(t *testing.T) {
	for _, text := range []string{"", "\n", "\r\n", "+OK\n", "*1\r\n", "$x\r\n", "$-2\r\n", "$5\r\nab", "$2\r\nabcd", "$99999999999\r\n", "?\r\n", "*-2\r\n", "*1048577\r\n",
		strings.Repeat("*1\r\n", maxDepth+1) + "+a\r\n", ":x\r\n"} {
		if r, err := said(t, text).Reply(); err == nil {
			t.Errorf("%q: %+v", text, r)
		}
		if strings.HasPrefix(text, ":") || strings.HasPrefix(text, "$2") {
			continue // nobody looks at what is passed over
		}
		if _, err := said(t, text).Value(nil); err == nil || IsRefused(err) {
			t.Errorf("%q passed over: %v", text, err)
		}
	}
}

func TestAValueIsAppended(t *testing.T) {
	c := said(t, "$2\r\nhi\r\n*2\r\n$1\r\na\r\n-no\r\n$1\r\n!\r\n")
	b, err := c.Value([]byte("oh "))
	if err != nil || string(b) != "oh hi" {
		t.Fatalf("%q, %v", b, err)
	}
	if b, err = c.Value(b); err != nil || string(b) != "oh hi" {
		t.Fatalf("%q, %v: a list has no value", b, err)
	}
	if b, err = c.Value(b); err != nil || string(b) != "oh hi!" {
		t.Fatalf("%q, %v", b, err)
	}
}

// Messages between the replies of a list are none of them.
func TestWhatIsAsideIsNoItem(t *testing.T) {
	c := said(t, "*2\r\n+a\r\n>1\r\n+aside\r\n+b\r\n")
	c.Aside = func(r Reply) bool { return r.Kind == '>' }
	if r, err := c.Reply(); err != nil || strings.Join(r.Texts(), " ") != "a b" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestFields(t *testing.T) {
	r, err := said(t, "%2\r\n+a\r\n+1\r\n+b\r\n:2\r\n").Reply()
	if err != nil || r.Field("b").Int != 2 || r.Field("a").Text != "1" || r.Field("c").Kind != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestACommandAndItsAnswer(t *testing.T) {
	c, sent := answered(t, "+OK\r\n")
	if r, err := c.Do(time.Minute, "SET", "k", "a b"); err != nil || r.Text != "OK" {
		t.Errorf("%+v, %v", r, err)
	}
	if want := "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\na b\r\n"; sent.String() != want {
		t.Errorf("sent %q, want %q", sent, want)
	}
	c, _ = answered(t, "-NOPERM no\r\n")
	if _, err := c.Do(time.Minute, "SET", "k", "v"); err == nil || err.Error() != "NOPERM no" || !IsRefused(err) {
		t.Errorf("%v", err)
	}
}

func TestACommandThatIsNotAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		go io.Copy(io.Discard, far)
		c := New(near)
		defer c.Close()
		_, err := c.Do(time.Second, "PING")
		if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
			t.Errorf("%v, want a timeout", err)
		}
	})
}

func TestLogin(t *testing.T) {
	for _, c := range []struct{ user, answer, sent string }{
		{"ann", "+OK\r\n", "*3\r\n$4\r\nAUTH\r\n$3\r\nann\r\n$1\r\ns\r\n"}, {"", "-WRONGPASS no\r\n", "*2\r\n$4\r\nAUTH\r\n$1\r\ns\r\n"},
	} {
		to, sent := answered(t, c.answer)
		err := to.Login(c.user, "s")
		if IsRefused(err) != (c.answer[0] == '-') || sent.String() != c.sent {
			t.Errorf("%q: sent %q, %v", c.user, sent, err)
		}
	}
}
