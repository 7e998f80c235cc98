// Package certificate makes the TLS certificate of a local run, signed by a
// certificate authority of this machine. It installs nothing: to trust the
// authority, the user adds its certificate to the browser or phone.
//
// The authority can certify local names and private addresses only, so trusting
// it does not endanger other sites.
package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	rootLifetime = 10 * 365 * 24 * time.Hour
	leafLifetime = 30 * 24 * time.Hour // made for each run
)

// localNames are the domains that the authority can certify (RFC 6761, RFC
// 6762, RFC 8375, and what home routers use).
var localNames = []string{"localhost", "local", "lan", "internal", "home.arpa"}

// localRanges are the addresses that it can certify.
var localRanges = networks("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "100.64.0.0/10", "192.168.0.0/16", "169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10")

func networks(list ...string) (networks []*net.IPNet) {
	for _, text := range list {
		_, network, err := net.ParseCIDR(text)
		if err != nil {
			panic(err)
		}
		networks = append(networks, network)
	}
	return networks
}

// An Authority is a certificate authority for this machine.
type Authority struct {
	File string // of its certificate, as PEM

	root *x509.Certificate
	key  *ecdsa.PrivateKey
}

// Open reads the authority from a folder, or creates it there. A phone that
// trusts it once also trusts later runs.
func Open(folder string) (*Authority, error) {
	file, keyFile := filepath.Join(folder, "ca.pem"), filepath.Join(folder, "ca.key")
	a, err := read(file, keyFile)
	if err == nil && time.Until(a.root.NotAfter) > leafLifetime {
		return a, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the certificate authority in %s: %w (delete the folder to make a new one)", folder, err)
	}
	if err := create(folder, file, keyFile); err != nil {
		return nil, fmt.Errorf("creating the certificate authority in %s: %w", folder, err)
	}
	return read(file, keyFile)
}

func read(file, keyFile string) (*Authority, error) {
	pair, err := tls.LoadX509KeyPair(file, keyFile)
	if err != nil {
		return nil, err
	}
	root, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return nil, err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s: must be an ECDSA key", keyFile)
	}
	return &Authority{file, root, key}, nil
}

func create(folder, file, keyFile string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	root := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "Premium HLS local run on " + host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(rootLifetime),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: localNames, PermittedIPRanges: localRanges,
	}
	der, err := x509.CreateCertificate(rand.Reader, root, root, &key.PublicKey, key)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600); err != nil {
		return err
	}
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644)
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(err) // never fails
	}
	return n
}

// Check reports whether the authority can certify a host.
func Check(host string) error {
	if ip := net.ParseIP(host); ip != nil {
		for _, network := range localRanges {
			if network.Contains(ip) {
				return nil
			}
		}
		return fmt.Errorf("invalid host %s: must be a private address", host)
	}
	for _, name := range localNames {
		if host == name || strings.HasSuffix(host, "."+name) {
			return nil
		}
	}
	return fmt.Errorf("invalid host %q: must be a private address, or a name that is or ends in .%s", host, strings.Join(localNames, ", ."))
}

// Config returns the TLS configuration of a server for hosts: names or addresses.
func (a *Authority) Config(hosts ...string) (*tls.Config, error) {
	leaf := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: hosts[0]},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(leafLifetime),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, host := range hosts {
		if err := Check(host); err != nil {
			return nil, err
		}
		if ip := net.ParseIP(host); ip != nil {
			leaf.IPAddresses = append(leaf.IPAddresses, ip)
		} else {
			leaf.DNSNames = append(leaf.DNSNames, host)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, a.root, &key.PublicKey, a.key)
	if err != nil {
		return nil, fmt.Errorf("creating a certificate for %s: %w", strings.Join(hosts, ", "), err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, nil
}

// Transport returns a transport that trusts the authority.
func (a *Authority) Transport() http.RoundTripper {
	roots := x509.NewCertPool()
	roots.AddCert(a.root)
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
}
