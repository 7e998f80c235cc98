package stacktest

import (
	"regexp"
	"strings"
)

// Short writes a name or an ARN without what is the same in all.
func Short(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		if join, ok := v["Fn::Join"].([]any); ok {
			var b strings.Builder
			for _, part := range join[1].([]any) {
				b.WriteString(Short(part))
			}
			arn := strings.ReplaceAll(b.String(), "AWS::Partition", "aws")
			if _, name, ok := strings.Cut(arn, ":parameter/"); ok {
				return "parameter/" + name
			}
			return strings.ReplaceAll(arn, "AWS::Region:AWS::AccountId", "")
		}
		if sub, ok := v["Fn::Sub"].(string); ok {
			return strings.ReplaceAll(sub, "${AWS::Partition}", "aws")
		}
		if att, ok := v["Fn::GetAtt"].([]any); ok {
			return Named(att[0].(string)) + "." + att[1].(string)
		}
		if ref, ok := v["Ref"].(string); ok {
			return Named(ref)
		}
	}
	return JSON(v)
}

var hash = regexp.MustCompile(`[0-9A-F]{8}$`)

// Named is a logical id without the hash that the CDK adds, and for a role
// what it is the role of.
func Named(id string) string {
	id = hash.ReplaceAllString(id, "")
	if strings.HasPrefix(id, "CustomCDKBucketDeployment") {
		id = "Uploader" + id[strings.Index(id, "MiB")+3:]
	}
	if strings.HasPrefix(id, "CustomS3AutoDelete") {
		id = "Emptier" + strings.TrimPrefix(id, "CustomS3AutoDeleteObjectsCustomResourceProvider")
	}
	return strings.TrimSuffix(strings.TrimSuffix(id, "Role"), "Service")
}
