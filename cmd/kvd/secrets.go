package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"

	"kvd/replica/node"
)

// applyUsers reads the users file, if one is named.
func applyUsers(c *serving, v []string) error {
	if v[0] == "" {
		return nil
	}
	f, err := os.Open(v[0])
	if err != nil {
		return err
	}
	defer f.Close()
	if err := c.ReadUsers(f); err != nil {
		return fmt.Errorf("%s: %w", v[0], err)
	}
	return nil
}

// applyGossipKey reads the key file, if one is named.
func applyGossipKey(c *serving, v []string) error {
	if v[0] == "" {
		return nil
	}
	text, err := os.ReadFile(v[0])
	if err != nil {
		return err
	}
	key, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(key) != 16 && len(key) != 24 && len(key) != 32 {
		return fmt.Errorf("%s holds no base64 of 16, 24 or 32 bytes; head -c 32 /dev/urandom | base64 makes one", v[0])
	}
	c.GossipKey = key
	return nil
}

// loadTLS reads the three files, which go together.
func (c *serving) loadTLS() (err error) {
	if c.cert == "" && c.key == "" && c.ca == "" {
		return nil
	}
	if c.cert == "" || c.key == "" || c.ca == "" {
		return errors.New("--tls-cert, --tls-key and --tls-ca go together; give all three or none")
	}
	c.TLS, err = node.LoadTLS(c.cert, c.key, c.ca)
	return err
}
