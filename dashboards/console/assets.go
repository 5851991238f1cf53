package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"
)

//go:embed assets/*.css assets/*.js assets/*.svg
var assetFiles embed.FS

// asset is one file for browsers, under a name that changes with its content.
type asset struct {
	path          string
	mediaType     string
	plain, zipped []byte
}

var mediaTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// loadAssets reads the embedded files; keys are their names in the folder.
func loadAssets() (map[string]*asset, error) {
	entries, err := assetFiles.ReadDir("assets")
	if err != nil {
		return nil, fmt.Errorf("load assets: %w", err)
	}
	assets := map[string]*asset{}
	for _, e := range entries {
		text, err := assetFiles.ReadFile("assets/" + e.Name())
		if err != nil {
			return nil, fmt.Errorf("load assets: %w", err)
		}
		var zipped bytes.Buffer
		z := gzip.NewWriter(&zipped)
		_, err = z.Write(text)
		if err == nil {
			err = z.Close()
		}
		if err != nil {
			return nil, fmt.Errorf("load assets: %w", err)
		}
		sum, ext := sha256.Sum256(text), path.Ext(e.Name())
		assets[e.Name()] = &asset{
			path:      "/assets/" + strings.TrimSuffix(e.Name(), ext) + "-" + hex.EncodeToString(sum[:6]) + ext,
			mediaType: mediaTypes[ext], plain: text, zipped: zipped.Bytes(),
		}
	}
	return assets, nil
}

// serveAsset looks a name up in the table of assets: no path reaches a file system.
func (c *Console) serveAsset(v *visit) error {
	for _, a := range c.assets {
		if a.path != v.r.URL.Path {
			continue
		}
		h := v.w.Header()
		h.Set("Content-Type", a.mediaType)
		h.Set("Cache-Control", "public, max-age=31536000, immutable") // another content has another name
		h.Set("Vary", "Accept-Encoding")
		body := a.plain
		if strings.Contains(v.r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			body = a.zipped
		}
		_, _ = v.w.Write(body) // the browser may be gone
		return nil
	}
	v.plain(http.StatusNotFound, "no such asset")
	return nil
}
