package proto

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// ErrKeyGone says that a data key is not in the ring: it was destroyed, and with it what it sealed.
var ErrKeyGone = errors.New("data key is gone")

// ErrMasterKey says that a data key does not open: the master key is another one, or the file was altered.
var ErrMasterKey = errors.New("the master key does not open this data key")

const keySize = 32

// KeyRing keeps the data keys that seal originals, one per source and day, outside the journal and its backups. Each
// is a file wrapped by the master key with AES-256-GCM; destroying the file redacts what it sealed. It is safe for
// concurrent use. A key is on disk, directory entry included, before it seals anything.
type KeyRing struct {
	dir  string
	wrap cipher.AEAD
	// links, pseudonyms and alerts are derived from the master key; see LinkKey, PseudonymKey and AlertKey.
	links, pseudonyms, alerts []byte

	mu   sync.Mutex // guards the two maps
	open map[string]*dataKey
	used map[string]string // source and day to the file of the key that seals now
}

// OpenKeyRing opens the ring in dir (mode 0700, made when absent) under a master key of 32 bytes. The error wraps
// ErrMasterKey when the ring's keys were wrapped by another one.
func OpenKeyRing(dir string, master []byte) (*KeyRing, error) {
	if len(master) != keySize {
		return nil, fmt.Errorf("open key ring: master key of %d bytes, want %d", len(master), keySize)
	}
	wrap, err := newAEAD(master)
	if err != nil {
		return nil, fmt.Errorf("open key ring: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open key ring: %w", err)
	}
	ring := &KeyRing{dir: dir, wrap: wrap, open: map[string]*dataKey{}, used: map[string]string{}}
	for purpose, key := range map[string]*[]byte{
		"readtrail page links": &ring.links, "readtrail pseudonyms": &ring.pseudonyms, "readtrail alert ids": &ring.alerts,
	} {
		if *key, err = hkdf.Key(sha256.New, master, nil, purpose, keySize); err != nil {
			return nil, fmt.Errorf("open key ring: derive key: %w", err)
		}
	}
	if err := ring.checkMaster(); err != nil {
		return nil, fmt.Errorf("open key ring: %w", err)
	}
	return ring, nil
}

// LinkKey is a key of 32 bytes that seals what a server gives out to have it brought back, such as the links between pages. It
// follows from the master key: every process of a deployment has the same, and a restart changes nothing.
func (k *KeyRing) LinkKey() []byte { return bytes.Clone(k.links) }

// PseudonymKey is a key of 32 bytes that pseudonyms of patients, readers and workstations are made with. It follows from the master key
// too: pseudonyms are stable for a deployment, and whoever has the journal alone cannot try people one by one.
func (k *KeyRing) PseudonymKey() []byte { return bytes.Clone(k.pseudonyms) }

// AlertKey is a key of 32 bytes that ids of alerts are made with. It follows from the master key too: a replay gives the same ids, and
// whoever sees an id cannot try people one by one until theirs comes out.
func (k *KeyRing) AlertKey() []byte { return bytes.Clone(k.alerts) }

// LoadMasterKey reads the master key (64 hexadecimal digits) from a file, or makes the file, mode 0600, when it is
// absent and create is true.
func LoadMasterKey(path string, create bool) ([]byte, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) && create {
		key := make([]byte, keySize)
		if _, err := rand.Read(key); err != nil {
			return nil, fmt.Errorf("make master key: %w", err)
		}
		if err := writeDurably(path, []byte(hex.EncodeToString(key)+"\n")); err != nil {
			return nil, fmt.Errorf("make master key: %w", err)
		}
		return key, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load master key: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("load master key: the file does not hold %d hexadecimal digits", 2*keySize)
	}
	return key, nil
}

// forSealing returns the key in use for source and day, making a durable one when there is none.
func (k *KeyRing) forSealing(source string, day int32) (*dataKey, error) {
	prefix := keyFilePrefix(source, day)
	k.mu.Lock()
	defer k.mu.Unlock()
	if name, ok := k.used[prefix]; ok {
		return k.open[name], nil
	}
	names, err := keyFiles(k.dir, prefix+"-")
	if err != nil {
		return nil, fmt.Errorf("look for data key: %w", err)
	}
	if len(names) > 0 {
		name := names[0]
		key, err := k.load(name, source, day)
		if err != nil {
			return nil, err
		}
		k.used[prefix] = name
		return key, nil
	}
	secret := make([]byte, keySize)
	if _, err := rand.Read(secret); err != nil {
		return nil, fmt.Errorf("make data key: %w", err)
	}
	key, err := newDataKey(secret)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, k.wrap.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("make data key: %w", err)
	}
	name := prefix + "-" + hex.EncodeToString(key.id[:]) + ".key"
	if err := writeDurably(filepath.Join(k.dir, name), k.wrap.Seal(nonce, nonce, secret, []byte(name))); err != nil {
		return nil, fmt.Errorf("make data key: %w", err)
	}
	k.open[name], k.used[prefix] = key, name
	return key, nil
}

// Check returns nil when originals of source can be sealed on the day of at (UTC). Where there is no key for it, it makes
// one, as sealing would, so that sealing on that day meets a key that works.
func (k *KeyRing) Check(source string, at time.Time) error {
	if _, err := k.forSealing(source, dayOf(at.UnixMicro())); err != nil {
		return fmt.Errorf("check data key: %w", err)
	}
	return nil
}

// forOpening returns a key by its id. The error wraps ErrKeyGone when its file is not there.
func (k *KeyRing) forOpening(source string, day int32, id []byte) (*dataKey, error) {
	name := keyFilePrefix(source, day) + "-" + hex.EncodeToString(id) + ".key"
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.load(name, source, day)
}

// load returns an opened key. The caller holds mu.
func (k *KeyRing) load(name, source string, day int32) (*dataKey, error) {
	if key, ok := k.open[name]; ok {
		return key, nil
	}
	key, err := k.unwrap(name)
	if err != nil {
		return nil, fmt.Errorf("load data key of source %s, day %d: %w", source, day, err)
	}
	k.open[name] = key
	return key, nil
}

// unwrap reads a key file. The error wraps ErrKeyGone or ErrMasterKey.
func (k *KeyRing) unwrap(name string) (*dataKey, error) {
	sealed, err := os.ReadFile(filepath.Join(k.dir, name))
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrKeyGone
	}
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	n := k.wrap.NonceSize()
	if len(sealed) < n {
		return nil, fmt.Errorf("key file is cut short: %w", ErrMasterKey)
	}
	secret, err := k.wrap.Open(nil, sealed[:n], sealed[n:], []byte(name))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMasterKey, err)
	}
	return newDataKey(secret)
}

// checkMaster refuses a master key that opens none of the newest data keys: sealing with it would split the ring in two,
// and putting the right one back would lose what was sealed meanwhile. A single damaged file is no reason to refuse.
func (k *KeyRing) checkMaster() error {
	names, err := keyFiles(k.dir, "")
	if err != nil || len(names) == 0 {
		return err
	}
	for _, name := range names[max(0, len(names)-masterTries):] {
		if _, err = k.unwrap(name); !errors.Is(err, ErrMasterKey) {
			return err
		}
	}
	return err
}

// masterTries is how many data keys a master key is tried on: damage to that many files is no accident.
const masterTries = 8

// Destroy removes every key of source and day (days since 1970-01-01, UTC): what they sealed can never be opened again,
// while every proof over it still holds. It returns how many keys there were.
func (k *KeyRing) Destroy(source string, day int32) (int, error) {
	prefix := keyFilePrefix(source, day)
	k.mu.Lock()
	defer k.mu.Unlock()
	names, err := keyFiles(k.dir, prefix+"-")
	if err != nil {
		return 0, fmt.Errorf("destroy data keys: %w", err)
	}
	delete(k.used, prefix)
	for _, name := range names {
		delete(k.open, name)
		if err := os.Remove(filepath.Join(k.dir, name)); err != nil {
			return 0, fmt.Errorf("destroy data keys: %w", err)
		}
	}
	return len(names), syncDir(k.dir)
}

// HasKeys reports whether a key ring in dir holds data keys already: then there was a master key, and a new one would
// open none of them.
func HasKeys(dir string) (bool, error) {
	names, err := keyFiles(dir, "")
	return len(names) > 0, err
}

// keyFiles lists the names of key files that begin with prefix; a directory that does not exist has none.
func keyFiles(dir, prefix string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list key files: %w", err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) && strings.HasSuffix(e.Name(), ".key") {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// keyFilePrefix names a key file without naming the source.
func keyFilePrefix(source string, day int32) string {
	sum := sha256.Sum256([]byte(source))
	return fmt.Sprintf("%s-%d", hex.EncodeToString(sum[:8]), day)
}

func newDataKey(secret []byte) (*dataKey, error) {
	aead, err := newAEAD(secret)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(secret)
	return &dataKey{id: [8]byte(sum[:8]), aead: aead}, nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	return aead, nil
}

// writeDurably writes a file of mode 0600 so that a crash leaves either nothing or all of it under that name.
func writeDurably(path string, data []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	defer os.Remove(f.Name()) // gone after the rename
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("rename: %w", err)
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("open directory: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}
