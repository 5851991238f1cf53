package config

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"time"
)

// readable reads a file that a key names; empty names none. ok is false when there is nothing to look at.
func readable(f *faults, key, path string) (text []byte, ok bool) {
	if path == "" {
		return nil, false
	}
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		f.add(key, "%s does not exist", path)
	case errors.Is(err, os.ErrPermission):
		f.add(key, "%s may not be read by this user", path)
	case err != nil:
		f.add(key, "%w", err)
	case len(text) == 0:
		f.add(key, "%s is empty", path)
	default:
		return text, true
	}
	return nil, false
}

// checkSecret: only its owner, and at most its group, may read a secret.
func checkSecret(f *faults, key, path string) {
	if _, ok := readable(f, key, path); !ok {
		return
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o007 != 0 {
		f.add(key, "%s is a secret and has mode %o, so everybody can read it: chmod 600 %s", path, info.Mode().Perm(), path)
	}
}

// checkPair: a certificate that is valid today, and the key that belongs to it. under is the path above cert_file and
// key_file.
func checkPair(f *faults, under, certFile, keyFile string) {
	cert, haveCert := readable(f, under+".cert_file", certFile)
	checkSecret(f, under+".key_file", keyFile)
	key, err := os.ReadFile(keyFile)
	if !haveCert || err != nil {
		return
	}
	leaf, ok := checkCertificates(f, under+".cert_file", certFile, cert)
	if !ok {
		return
	}
	checkDates(f, under+".cert_file", certFile, leaf)
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		f.add(under+".key_file", "%s is not the key of %s", keyFile, certFile)
	}
}

func checkAuthorities(f *faults, key, path string) {
	text, ok := readable(f, key, path)
	if !ok {
		return
	}
	if first, ok := checkCertificates(f, key, path, text); ok {
		checkDates(f, key, path, first)
	}
}

// checkCertificates parses every certificate of a PEM file and returns the first.
func checkCertificates(f *faults, key, path string, text []byte) (first *x509.Certificate, ok bool) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			f.add(key, "%s holds a certificate that cannot be read: %w", path, err)
			return nil, false
		}
		if first == nil {
			first = c
		}
	}
	if first == nil {
		f.add(key, "%s holds no PEM certificate", path)
	}
	return first, first != nil
}

func checkDates(f *faults, key, path string, c *x509.Certificate) {
	switch now := time.Now(); {
	case now.After(c.NotAfter):
		f.add(key, "%s expired on %s", path, c.NotAfter.UTC().Format(time.DateOnly))
	case now.Before(c.NotBefore):
		f.add(key, "%s is not valid before %s", path, c.NotBefore.UTC().Format(time.DateOnly))
	}
}
