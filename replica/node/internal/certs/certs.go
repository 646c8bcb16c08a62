// Package certs is the certificate that a leader shows, and whom it trusts.
//
// What it is not: it opens no connection, and knows no users.
package certs

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync/atomic"
)

// TLS is the certificate that a leader shows, its key, and the authority that it trusts.
// They can be replaced while it serves: connections that are there go on with what they
// began with.
type TLS struct {
	mutual atomic.Pointer[tls.Config] // as between leaders; never changed in place
}

// Load reads a certificate, its key and the authority that signed the
// leaders' certificates, all PEM.
func Load(cert, key, ca string) (*TLS, error) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("read the certificate %s with the key %s: %w", cert, key, err)
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, fmt.Errorf("read the authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read the authority: %s holds no certificate in PEM", ca)
	}
	t := &TLS{}
	t.mutual.Store(&tls.Config{
		Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13,
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, RootCAs: pool,
	})
	return t, nil
}

// Adopt replaces the certificate, key and authority for connections that begin from now
// on.
func (t *TLS) Adopt(fresh *TLS) { t.mutual.Store(fresh.mutual.Load()) }

// Between is the present configuration between leaders; nil: connections are plain.
func (t *TLS) Between() *tls.Config {
	if t == nil {
		return nil
	}
	return t.mutual.Load()
}

// Server is for clients and people, who show a password and no certificate.
func (t *TLS) Server() *tls.Config {
	if t == nil {
		return nil
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return &t.Between().Certificates[0], nil
	}}
}

// Client is for a leader that looks at the pages of another.
func (t *TLS) Client() *tls.Config {
	return &tls.Config{RootCAs: t.Between().RootCAs, MinVersion: tls.VersionTLS12}
}
