package leader

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// LoadTLS reads a certificate, its key and the authority that signed the
// leaders' certificates, all PEM. The result is mutual, as between leaders.
func LoadTLS(cert, key, ca string) (*tls.Config, error) {
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
	return &tls.Config{
		Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13,
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, RootCAs: pool,
	}, nil
}

// serverTLS is for clients and people, who show a password and no certificate.
func serverTLS(mutual *tls.Config) *tls.Config {
	if mutual == nil {
		return nil
	}
	return &tls.Config{Certificates: mutual.Certificates, MinVersion: tls.VersionTLS12}
}

// clientTLS is for asking another leader's console.
func clientTLS(mutual *tls.Config) *tls.Config {
	return &tls.Config{RootCAs: mutual.RootCAs, MinVersion: tls.VersionTLS12}
}
