package link

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"kvd/replica"
	"kvd/replica/wire"
)

type session struct {
	conn    *conn
	dec     *wire.Decoder
	hello   wire.Hello // of the other side
	given   int        // credit the other side gave first
	version uint64     // that is spoken
}

// invite dials a peer and greets it with a frame of that kind: the dialler's half.
func (m *Mesh) invite(ctx context.Context, name replica.Leader, addr string, with wire.Kind) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.HandshakeTimeout)
	defer cancel()
	raw, err := m.cfg.Dial(ctx, addr)
	if err != nil {
		return nil, fmt.Errorf("dial %s at %s: %w", name, addr, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()
	s, err := m.introduce(ctx, raw, name, addr, with)
	if err != nil {
		_ = raw.Close()
		if ctx.Err() != nil {
			err = errors.Join(err, ctx.Err())
		}
		return nil, fmt.Errorf("greet %s at %s: %w", name, addr, err)
	}
	return s, nil
}

func (m *Mesh) introduce(ctx context.Context, raw net.Conn, name replica.Leader, addr string, with wire.Kind) (*session, error) {
	limitUnsent(raw)
	secured, err := m.secureOut(ctx, raw, name, addr)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: secured}
	s := &session{conn: c, dec: m.newDecoder(c)}
	ours := m.hello(string(name))
	if _, err := c.Write(wire.AppendGreeting(nil, with, &ours)); err != nil {
		return nil, err
	}
	w, err := m.answer(s.dec, name)
	if err != nil {
		return nil, err
	}
	s.hello, s.given, s.version = w.Hello, int(min(w.Credit, 1<<30)), w.Version
	if no := m.judgeWelcome(w, name, c, with); no != nil {
		m.tellShared(no, &w.Hello)
		return nil, m.refuse(c, name, no)
	}
	s.dec.Open()
	return s, nil
}

func (m *Mesh) answer(dec *wire.Decoder, name replica.Leader) (*wire.Welcome, error) {
	switch kind, err := dec.Next(); {
	case err != nil:
		return nil, err
	case kind == wire.KindRefuse:
		return nil, m.refusedBy(name, dec)
	default:
		return dec.Welcome()
	}
}

func (m *Mesh) refusedBy(name replica.Leader, dec *wire.Decoder) error {
	no, err := dec.Refuse()
	if err != nil {
		return err
	}
	return &RefusedError{By: name, Of: m.cfg.Name, Reason: no.Reason, Detail: no.Detail}
}

// judgeWelcome is what keeps us from talking to whoever answered.
func (m *Mesh) judgeWelcome(w *wire.Welcome, name replica.Leader, c *conn, kind wire.Kind) *wire.Refuse {
	if w.Version < protocolMin || w.Version > protocolMax {
		return refusal(wire.OtherProtocol, "%s chose version %d, %s offered %d to %d", w.Hello.Leader, w.Version, m.cfg.Name, protocolMin, protocolMax)
	}
	if replica.Leader(w.Hello.Leader) != name && w.Hello.Leader != string(m.cfg.Name) {
		return refusal(wire.WrongLeader, "%s was dialled and %s answered; correct the address", name, w.Hello.Leader)
	}
	return m.judge(&w.Hello, c, kind)
}

// receive greets whoever dialled: the other half. The whole greeting has one
// deadline, so that nobody occupies a greeting by dripping bytes. Nil: the connection is
// somebody else's now.
func (m *Mesh) receive(raw net.Conn) (*inbound, error) {
	deadline := time.Now().Add(m.cfg.HandshakeTimeout)
	if err := raw.SetDeadline(deadline); err != nil {
		return nil, err
	}
	c := &conn{Conn: raw}
	if m.cfg.TLS != nil {
		c.Conn = tls.Server(raw, m.tls()) // shakes hands with the first read
	}
	dec := m.newDecoder(c)
	kind, err := dec.Next()
	if err != nil {
		return nil, err
	}
	h, err := dec.Hello()
	if err != nil {
		return nil, err
	}
	if no := m.judge(h, c, kind); no != nil {
		m.tellShared(no, h)
		return nil, m.refuse(c, replica.Leader(h.Leader), no)
	}
	switch kind {
	case wire.KindFetch:
		return nil, m.handOver(c, h, m.cfg.OnFetch, fetchIdle)
	case wire.KindQuorum:
		return nil, m.handOver(c, h, m.cfg.OnQuorum, 0)
	case wire.KindPolicy:
		return nil, m.handOver(c, h, m.cfg.OnPolicy, policyIdle)
	}
	in := &inbound{
		mesh: m, conn: c, dec: dec, hello: h, from: replica.Leader(h.Leader), window: m.cfg.Window,
		done: make(chan struct{}), more: make(chan struct{}, 1), pay: make(chan struct{}, 1),
	}
	in.ctx, in.kill = context.WithCancel(m.ctx)
	if no := m.claim(in, deadline); no != nil {
		m.tellShared(no, h)
		return nil, m.refuse(c, in.from, no)
	}
	w := wire.Welcome{Version: min(protocolMax, h.VersionMax), Credit: uint64(m.cfg.Window), Hello: m.hello(h.Leader)}
	if _, err := c.Write(wire.AppendWelcome(nil, &w)); err != nil {
		in.kill() // it was claimed, and never runs
		m.release(in)
		close(in.done)
		return nil, err
	}
	dec.Open()
	return in, nil
}

func (m *Mesh) refuse(c *conn, of replica.Leader, no *wire.Refuse) error {
	_ = c.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = c.Write(wire.AppendRefuse(nil, no))
	return &RefusedError{By: m.cfg.Name, Of: of, Reason: no.Reason, Detail: no.Detail}
}

func (m *Mesh) logFailure(raw net.Conn, err error) {
	e := Event{Kind: Garbage, Addr: raw.RemoteAddr().String(), Err: err}
	var refused *RefusedError
	var unproved *tls.CertificateVerificationError
	switch {
	case m.ctx.Err() != nil || errors.Is(err, io.EOF):
		return // we are leaving, or they said nothing
	case errors.As(err, &refused), errors.As(err, &unproved):
		e.Kind = Rejected
		if refused != nil {
			e.Peer = refused.Of
		}
	case errors.Is(err, os.ErrDeadlineExceeded):
		e.Kind = Slow
	}
	m.emit(e)
}

// secureOut wraps the connection in TLS, if there is to be any, as client.
func (m *Mesh) secureOut(ctx context.Context, raw net.Conn, name replica.Leader, addr string) (net.Conn, error) {
	if m.cfg.TLS == nil {
		return raw, nil
	}
	t := m.tls()
	switch {
	case m.cfg.CertNames:
		t.ServerName = string(name)
	case t.ServerName == "":
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		t.ServerName = host
	}
	c := tls.Client(raw, t)
	return c, c.HandshakeContext(ctx)
}

// tls is for a connection that begins now. It is the caller's.
func (m *Mesh) tls() *tls.Config {
	t := m.cfg.TLS
	if m.cfg.FreshTLS != nil {
		t = m.cfg.FreshTLS()
	}
	t = t.Clone()
	t.MinVersion = tls.VersionTLS13
	return t
}
