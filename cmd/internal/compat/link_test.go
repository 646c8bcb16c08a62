package compat

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"kvd/replica/client/conn"
)

// link is one connection of a story to a peer.
type link struct {
	nc    net.Conn
	in    *conn.Conn
	heard map[string]bool // what is listened to: c and a channel, p and a pattern
}

func (p peer) dial() (*link, error) {
	nc, err := net.Dial(p.network, p.addr)
	if err != nil {
		return nil, err
	}
	in := conn.New(nc)
	in.Aside = func(r reply) bool { return r.Kind == '>' && isMessage(r) }
	return &link{nc, in, map[string]bool{}}, nc.SetDeadline(time.Now().Add(timeout))
}

// send writes. What cannot be written any more is found out when the reply is read.
func (l *link) send(text string) { _, _ = l.nc.Write([]byte(text)) }

func encode(args []string) string {
	var b strings.Builder
	b.WriteString("*" + strconv.Itoa(len(args)) + "\r\n")
	for _, a := range args {
		b.WriteString("$" + strconv.Itoa(len(a)) + "\r\n" + a + "\r\n")
	}
	return b.String()
}

// take reads what a command is answered: one reply, or one for each channel.
func (l *link) take(args []string) (reply, error) {
	first, err := l.next()
	if err != nil || first.Kind == closed || len(args) == 0 {
		return first, err
	}
	kind := strings.ToLower(args[0])
	if !strings.HasSuffix(kind, "subscribe") || len(first.Items) != 3 {
		return first, nil
	}
	replies := len(args) - 1
	if replies == 0 {
		replies = max(1, l.count(kind))
	}
	l.note(first)
	if replies == 1 {
		return first, nil
	}
	all := reply{Kind: '*', Items: []reply{first}}
	for len(all.Items) < replies {
		r, err := l.next()
		if err != nil {
			return r, err
		}
		l.note(r)
		all.Items = append(all.Items, r)
	}
	return all, nil
}

// isMessage reports whether the reply is none, but what was published: before or after
// the reply to whoever published it.
func isMessage(r reply) bool {
	n := len(r.Items)
	return n == 3 && r.Items[0].Text == "message" || n == 4 && r.Items[0].Text == "pmessage"
}

func (l *link) next() (reply, error) {
	r, err := l.in.Reply()
	for err == nil && isMessage(r) {
		r, err = l.in.Reply()
	}
	switch {
	case err == nil:
		return r, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return r, fmt.Errorf("no reply within %s", timeout)
	case errors.Is(err, conn.ErrProtocol):
		return r, err
	}
	return reply{Kind: closed}, nil
}

// family says whether a command, or the reply to it, is about patterns or channels.
func family(kind string) string {
	if strings.HasPrefix(kind, "p") {
		return "p"
	}
	return "c"
}

// count is how many names a command without names is about.
func (l *link) count(kind string) (n int) {
	for name := range l.heard {
		if strings.HasPrefix(name, family(kind)) {
			n++
		}
	}
	return n
}

// note keeps what is listened to.
func (l *link) note(r reply) {
	if len(r.Items) != 3 {
		return
	}
	name := family(r.Items[0].Text) + r.Items[1].Text
	if strings.Contains(r.Items[0].Text, "unsub") {
		delete(l.heard, name)
	} else {
		l.heard[name] = true
	}
}
