package link

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"testing"
	"time"

	"kvd/replica"
	"kvd/replica/wire"
)

// authority signs certificates for one test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	a.key = newKey(t)
	tpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// config is a leader's mutual TLS, its certificate for that name.
func (a *authority) config(name string) *tls.Config {
	a.t.Helper()
	key := newKey(a.t)
	tpl := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, tpl, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		RootCAs:      pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
	}
}

func withTLS(c *tls.Config, names bool) func(*Config) {
	return func(cfg *Config) { cfg.TLS, cfg.CertNames = c, names }
}

func TestTLSExchange(t *testing.T) {
	ca := newAuthority(t)
	for _, names := range []bool{false, true} {
		a, b := start(t, "a", withTLS(ca.config("a"), names)), start(t, "b", withTLS(ca.config("b"), names))
		joined(a, b)
		a.mesh.Send("b", a.batch(1, 300, 1000))
		b.mesh.Send("a", b.batch(1, 5, 10))
		b.awaitOps("a", 300)
		a.awaitOps("b", 5)
	}
}

func TestTLSStrangersAreTurnedAway(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	a, b := start(t, "a", withTLS(ca.config("a"), false)), start(t, "b", withTLS(other.config("b"), false))
	join(a, b)
	a.awaitTurns("-b")
	e := a.awaitEvent(DialFailed, "b")
	if _, ok := errors.AsType[*tls.CertificateVerificationError](e.Err); !ok {
		t.Fatalf("a met b's certificate with %v", e.Err)
	}

	// One that trusts everybody and shows nothing.
	conn, err := tls.Dial("tcp", a.addr(), &tls.Config{InsecureSkipVerify: true})
	if err == nil {
		_ = conn.SetDeadline(time.Now().Add(timeout))
		_, err = conn.Read(make([]byte, 1))
		_ = conn.Close()
	}
	if err == nil {
		t.Fatal("a connection without a certificate was served")
	}
	g := visit(t, a, "b") // and one that does not speak TLS
	g.write(frameOf(g.hello()))
	g.ended()
	a.awaitStats("both told", func(s Stats) bool { return a.happened(Garbage)+a.happened(Rejected) >= 2 && !s.peer("b").Up })
}

func TestCertificateMustNameTheLeader(t *testing.T) {
	ca := newAuthority(t)
	a, b := start(t, "a", withTLS(ca.config("a"), true)), start(t, "b", withTLS(ca.config("mallory"), false))
	join(a, b)
	e := b.awaitEvent(Refused, "a")
	if r, ok := errors.AsType[*RefusedError](e.Err); !ok || r.Reason != wire.BadCertificate {
		t.Fatalf("b heard %v", e.Err)
	}
	a.awaitEvent(DialFailed, "b")
	a.awaitStats("nobody up", func(s Stats) bool { return !s.peer(replica.Leader("b")).Up })
}

func TestTLSMustBeMutual(t *testing.T) {
	for name, break1 := range map[string]func(*tls.Config){
		"clients unasked":  func(c *tls.Config) { c.ClientAuth = tls.NoClientCert },
		"no client roots":  func(c *tls.Config) { c.ClientCAs = nil },
		"no roots":         func(c *tls.Config) { c.RootCAs = nil },
		"trusts everybody": func(c *tls.Config) { c.InsecureSkipVerify = true },
		"no certificate":   func(c *tls.Config) { c.Certificates = nil },
	} {
		cfg := settings("a")
		cfg.Listener, cfg.TLS = &net.TCPListener{}, newAuthority(t).config("a")
		if err := cfg.Validate(); err != nil {
			t.Fatal(err)
		}
		if break1(cfg.TLS); cfg.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
