package diagnosis

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"premiumhls/internal/cloudfront"
)

var (
	accessKeyID = regexp.MustCompile(`^(AKIA|ASIA|APKA)[A-Z0-9]{16}$`)
	groupID     = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// adviseKey says what to do about an id that is not one of the behavior's keys.
func (e *explanation) adviseKey() string {
	id := e.value(keyPairID)
	b := e.refusing()
	ids := slices.Sorted(maps.Keys(b.PublicKeys))
	if len(ids) == 0 {
		return "Behavior " + b.PathPattern + " trusts no public key: add the key to a key group, and the key group to the behavior."
	}
	use := "the id of the public key in the behavior's key group (" + strings.Join(ids, ", ") + ")"
	for _, r := range repairs {
		if fixed, ok := r.fix(id); ok && slices.Contains(ids, fixed) {
			return fmt.Sprintf("%s %s: send %s as it is.", e.Called(keyPairID), r.wrong, fixed)
		}
	}
	for _, other := range ids {
		if strings.EqualFold(other, id) {
			return fmt.Sprintf("%s is %s, and the key is %s: write it in the same case.", e.Called(keyPairID), id, other)
		}
	}
	switch {
	case accessKeyID.MatchString(id):
		return fmt.Sprintf("%s is %s, the id of an account's key and not of a public key of CloudFront: use %s.", e.Called(keyPairID), id, use)
	case groupID.MatchString(id):
		return fmt.Sprintf("%s is %s, which looks like the id of a key group or a policy: use %s.", e.Called(keyPairID), id, use)
	}
	for _, other := range e.target.Behaviors {
		if _, ok := other.PublicKeys[id]; ok {
			return fmt.Sprintf("The key %s is trusted by behavior %s, and not by %s, which takes this path: sign with %s.", id, other.PathPattern, b.PathPattern, strings.Join(ids, " or "))
		}
	}
	if _, ok := e.target.Keys[id]; ok {
		return fmt.Sprintf("The key %s is in no key group of behavior %s: add it to the key group again, or sign with %s.", id, b.PathPattern, strings.Join(ids, " or "))
	}
	return fmt.Sprintf("The key %s is in no key group of behavior %s, which trusts %s: %s, signed with one of these, or add the key to the key group.", shorten(id), b.PathPattern, strings.Join(ids, " and "), e.renew())
}

// refusing is the target's behavior whose keys decided. The decision has its own
// copy of the behavior, with other keys if the target's are unknown.
func (e *explanation) refusing() *cloudfront.Behavior {
	for _, b := range e.route.Signed {
		if e.decision.Behavior != nil && b.PathPattern == e.decision.Behavior.PathPattern {
			return b
		}
	}
	return &cloudfront.Behavior{}
}
