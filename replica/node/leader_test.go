package node

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"kvd/replica/acl"
	"kvd/replica/member"
	"kvd/replica/replicatest"
)

// certificates writes an authority and a certificate for this machine that it
// signed, and gives the three files.
func certificates(t *testing.T) (cert, key, ca string) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	authorityDER, err := x509.CreateCertificate(rand.Reader, authority, authority, &authorityKey.PublicKey, authorityKey)
	must(err)
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, authority, &leafKey.PublicKey, authorityKey)
	must(err)
	keyDER, err := x509.MarshalECPrivateKey(leafKey)
	must(err)
	return write("cert.pem", "CERTIFICATE", leafDER), write("key.pem", "EC PRIVATE KEY", keyDER), write("ca.pem", "CERTIFICATE", authorityDER)
}

// guarded is a leader with every door locked.
func guarded(t *testing.T, name string, secured *TLS, users *acl.Users) Config {
	cfg := Defaults()
	cfg.Name, cfg.Dir, cfg.StateDir, cfg.Profile = name, t.TempDir(), t.TempDir(), member.Local
	cfg.Addrs = Addrs{"127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"}
	cfg.TLS, cfg.Users, cfg.GossipKey = secured, users, []byte("0123456789abcdef")
	return cfg
}

func start(t *testing.T, cfg Config) *Leader {
	t.Helper()
	l, err := Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Stop(context.Background()) })
	return l
}

// Two leaders behind TLS and passwords replicate, let in who has a password, and
// confirm an origin to each other all the same.
func TestLockedDoors(t *testing.T) {
	secured, err := LoadTLS(certificates(t))
	if err != nil {
		t.Fatal(err)
	}
	line, err := acl.HashPassword("secret")
	if err != nil {
		t.Fatal(err)
	}
	users, err := acl.ReadUsers(strings.NewReader("ann:" + line))
	if err != nil {
		t.Fatal(err)
	}
	one, two := guarded(t, "n1", secured, users), guarded(t, "n2", secured, users)
	n1 := start(t, one)
	two.Join, two.Addrs.Gossip = []string{n1.Addrs().Gossip}, freeAddr(t)
	n2 := start(t, two)

	ctx := context.Background()
	client := func(l *Leader, user, password string) *redis.Client {
		c := redis.NewClient(&redis.Options{Addr: l.Addrs().RESP, Username: user, Password: password, TLSConfig: secured.Client(), MaxRetries: -1, DialTimeout: replicatest.Timeout, ReadTimeout: replicatest.Timeout})
		t.Cleanup(func() { c.Close() })
		return c
	}
	if err := client(n1, "", "").Set(ctx, "x", "1", 0).Err(); err == nil || !strings.Contains(err.Error(), "NOAUTH") {
		t.Errorf("without a password: %v", err)
	}
	if err := client(n1, "ann", "wrong").Set(ctx, "x", "1", 0).Err(); err == nil || !strings.Contains(err.Error(), "WRONGPASS") {
		t.Errorf("with a wrong password: %v", err)
	}
	ann := client(n2, "ann", "secret")
	if err := ann.Set(ctx, "x", "1", 0).Err(); err != nil {
		t.Fatal(err)
	}
	far := client(n1, "ann", "secret")
	replicatest.Eventually(t, "n1 shows what n2 was told", func() bool { return far.Get(ctx, "x").Val() == "1" })
	if code := pageCode(t, n1, secured, "", ""); code != http.StatusUnauthorized {
		t.Errorf("the status page answers %d to anybody", code)
	}
	if code := pageCode(t, n1, secured, leaderUser, "wrong"); code != http.StatusUnauthorized {
		t.Errorf("the status page answers %d to a false leader", code)
	}

	if left, err := n2.Quiesce(ctx); left != 0 || err != nil {
		t.Errorf("quiet with %d ops unshared: %v", left, err)
	}
	if err := n2.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	before, _ := n2.Origin()
	if after, resumed := start(t, two).Origin(); after != before || !resumed {
		t.Error("a clean stop behind locked doors begins a new origin")
	}
}

// Certificates that take the place of others count for whoever connects from then on:
// clients, people and leaders. Who is connected stays.
func TestCertificatesAreReplaced(t *testing.T) {
	load := func() *TLS {
		secured, err := LoadTLS(certificates(t))
		if err != nil {
			t.Fatal(err)
		}
		return secured
	}
	first, second := load(), load()
	live := &TLS{}
	live.Adopt(first)
	n1 := start(t, guarded(t, "n1", live, nil))
	trusts := func(addr string, who *TLS) bool {
		c, err := tls.Dial("tcp", addr, who.Client())
		if err == nil {
			c.Close()
		}
		return err == nil
	}
	for _, addr := range []string{n1.Addrs().RESP, n1.Addrs().HTTP} {
		if !trusts(addr, first) || trusts(addr, second) {
			t.Errorf("%s does not show the certificate it began with", addr)
		}
	}
	ctx := context.Background()
	was := redis.NewClient(&redis.Options{Addr: n1.Addrs().RESP, TLSConfig: first.Client(), MaxRetries: -1, DialTimeout: replicatest.Timeout, ReadTimeout: replicatest.Timeout, PoolSize: 1})
	defer was.Close()
	if err := was.Set(ctx, "x", "1", 0).Err(); err != nil {
		t.Fatal(err)
	}
	live.Adopt(second)
	for _, addr := range []string{n1.Addrs().RESP, n1.Addrs().HTTP} {
		if trusts(addr, first) || !trusts(addr, second) {
			t.Errorf("%s does not show the certificate that was read again", addr)
		}
	}
	if err := was.Get(ctx, "x").Err(); err != nil {
		t.Errorf("who was connected: %v", err)
	}
	two := guarded(t, "n2", second, nil)
	two.Join = []string{n1.Addrs().Gossip}
	n2 := start(t, two)
	far := redis.NewClient(&redis.Options{Addr: n2.Addrs().RESP, TLSConfig: second.Client(), MaxRetries: -1, DialTimeout: replicatest.Timeout, ReadTimeout: replicatest.Timeout})
	defer far.Close()
	replicatest.Eventually(t, "a leader with the new certificates hears what the other was told", func() bool { return far.Get(ctx, "x").Val() == "1" })
}

func freeAddr(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func pageCode(t *testing.T, l *Leader, secured *TLS, user, password string) int {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "https://"+l.Addrs().HTTP+"/status", nil)
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		req.SetBasicAuth(user, password)
	}
	res, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: secured.Client(), DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

func TestAStartThatFailsLeavesNothingOpen(t *testing.T) {
	cfg := guarded(t, "n1", nil, nil)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Addrs.Gossip = taken.Addr().String()
	if _, err := Start(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), "start n1") {
		t.Fatalf("a taken gossip address: %v", err)
	}
	taken.Close()
	l := start(t, cfg) // the store and every address are free again
	if err := l.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}
