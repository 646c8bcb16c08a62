package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"kvd/replica/client/conn"
)

// Refusal is what went wrong when a leader was asked: either it answered an error
// (said has its words), or no answer came.
type Refusal struct {
	By  *Leader
	Cmd string
	Err error
}

// NewRefusal is what a leader is to be told to have done wrong: its answer cannot be used.
func NewRefusal(by *Leader, cmd string, err error) *Refusal { return &Refusal{by, cmd, err} }

func (r *Refusal) Error() string { return r.By.String() + ": " + r.Err.Error() }
func (r *Refusal) Unwrap() error { return r.Err }

// Said is the error that a leader answered, in its words; false: it answered none.
func Said(err error) (text string, ok bool) {
	if told, ok := errors.AsType[redis.Error](err); ok {
		return told.Error(), true
	}
	told, ok := errors.AsType[conn.Refused](err)
	return string(told), ok
}

// Code is the first word of what a leader answered; empty: it did not answer.
func Code(err error) string {
	text, _ := Said(err)
	word, _, _ := strings.Cut(text, " ")
	return word
}

// Unknown reports whether the leader does not have the command.
func Unknown(err error) bool {
	text, _ := Said(err)
	return strings.HasPrefix(text, "ERR unknown command")
}

func behind(err error) bool { return Code(err) == "BEHIND" }

// Busy reports whether a leader refused what it may do a little later, or another
// leader now.
func Busy(err error) bool {
	switch text, _ := Said(err); Code(err) {
	case "BEHIND", "BUSY", "NOLEDGER", "READONLY", "TRYAGAIN", "LOADING":
		return true
	default:
		return strings.HasPrefix(text, "ERR max number of clients")
	}
}

// Unsent reports whether the connection could not be made, so that nothing was
// done.
func Unsent(err error) bool {
	dial, ok := errors.AsType[*net.OpError](err)
	return ok && dial.Op == "dial"
}

// Late reports whether the time was over before an answer came.
func Late(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return errors.Is(err, context.DeadlineExceeded) || ok && timeout.Timeout()
}

// Distrusted reports whether the certificate of whoever answered is not trusted.
func Distrusted(err error) bool {
	return has[x509.UnknownAuthorityError](err) || has[*tls.CertificateVerificationError](err)
}

func has[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// NoTLS reports whether TLS was spoken with somebody who does not.
func NoTLS(err error) bool { return has[tls.RecordHeaderError](err) }

// HungUp reports whether the connection ended without an answer.
func HungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// Away reports whether no answer came, and may later: the leader cannot be reached.
func Away(err error) bool {
	if _, ok := Said(err); ok || Distrusted(err) {
		return false
	}
	return NoTLS(err) || Late(err) || HungUp(err) || has[*net.OpError](err)
}

// Beaten reads BEATEN <ns until it would win> sentence; zero: it does not say when.
func Beaten(err error) (until time.Duration, text string, ok bool) {
	told, _ := Said(err)
	rest, ok := strings.CutPrefix(told, "BEATEN ")
	if !ok {
		return 0, "", false
	}
	number, text, _ := strings.Cut(rest, " ")
	ns, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0, rest, true
	}
	return time.Duration(ns), text, true
}
