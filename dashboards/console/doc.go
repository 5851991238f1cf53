// Package console is the web console: pages for people who answer for patients' records. It is rendered on the server,
// asks nothing but the query API, and its browser side is one small script; see README.md.
package console
