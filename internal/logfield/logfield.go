// Package logfield names the fields of the signer's log line of a request, for
// the function that writes them and for the queries and filters that rely on
// them.
package logfield

// Message is the msg of the one line that each request has.
const Message = "request"

// The fields of that line, besides those of log/slog (time, level, msg).
const (
	RequestID   = "requestId"   // of API Gateway
	EdgeRequest = "edgeRequest" // x-edge-request-id of CloudFront's log
	Decision    = "decision"    // issued, link_issued, cleared, listed, or the code of a refusal
	Status      = "status"      // of the response
	Path        = "path"        // that was asked for; empty: everything premium
	Viewer      = "viewer"      // the token's sub, or a keyed digest of it
	Address     = "address"     // the viewer's IP address, or a keyed digest of it
	Key         = "key"         // that signed
	Expires     = "expires"     // when the cookies or the link expire, in seconds since 1970
	Duration    = "duration_ms" // until the response was ready
	Cause       = "cause"       // of a refusal
)

// A Column is a field of the line with its type in SQL.
type Column struct{ Name, Type string }

// Columns are the fields that queries can use, in the order of the table.
func Columns() []Column {
	return []Column{
		{"time", "string"}, {"level", "string"}, {"msg", "string"},
		{RequestID, "string"}, {EdgeRequest, "string"}, {Decision, "string"}, {Status, "int"}, {Path, "string"},
		{Viewer, "string"}, {Key, "string"}, {Expires, "bigint"}, {Duration, "double"}, {Cause, "string"}, {Address, "string"},
	}
}
