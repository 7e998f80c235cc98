package mediaconvert

import (
	"strings"
	"testing"
)

const document = `{
	"role": "arn:aws:iam::111122223333:role/encoder", "clientRequestToken": "t", "statusUpdateInterval": "SECONDS_10", "userMetadata": {"stack": "s"},
	"settings": {
		"timecodeConfig": {"source": "ZEROBASED"},
		"inputs": [{"fileInput": "s3://b/uploads/c/l.mp4", "timecodeSource": "ZEROBASED", "videoSelector": {"rotate": "AUTO"},
			"audioSelectors": {"Audio Selector 1": {"defaultSelection": "DEFAULT"}}}],
		"outputGroups": [
			{"name": "video", "outputGroupSettings": {"type": "CMAF_GROUP_SETTINGS", "cmafGroupSettings": {
				"destination": "s3://b/encoded/c/l/v1/v", "segmentControl": "SEGMENTED_FILES", "segmentLength": 6, "segmentLengthControl": "GOP_MULTIPLE",
				"fragmentLength": 2, "writeHlsManifest": "ENABLED", "writeDashManifest": "DISABLED", "manifestDurationFormat": "FLOATING_POINT",
				"targetDurationCompatibilityMode": "SPEC_COMPLIANT", "codecSpecification": "RFC_6381", "streamInfResolution": "INCLUDE", "videoCompositionOffsets": "SIGNED"}},
			 "outputs": [
				{"nameModifier": "_360", "containerSettings": {"container": "CMFC", "cmfcSettings": {"iFrameOnlyManifest": "INCLUDE"}},
				 "videoDescription": {"width": 640, "height": 360, "scalingBehavior": "DEFAULT", "codecSettings": {"codec": "H_264", "h264Settings": {
					"rateControlMode": "QVBR", "qvbrSettings": {"qvbrQualityLevel": 7}, "maxBitrate": 700000, "qualityTuningLevel": "SINGLE_PASS_HQ",
					"codecProfile": "HIGH", "codecLevel": "AUTO", "framerateControl": "SPECIFIED", "framerateNumerator": 30, "framerateDenominator": 1,
					"parControl": "SPECIFIED", "parNumerator": 1, "parDenominator": 1, "gopSizeUnits": "SECONDS", "gopSize": 2, "gopClosedCadence": 1,
					"sceneChangeDetect": "DISABLED", "adaptiveQuantization": "AUTO", "interlaceMode": "PROGRESSIVE", "numberReferenceFrames": 3}}}},
				{"nameModifier": "_audio", "containerSettings": {"container": "CMFC"}, "audioDescriptions": [{"audioSourceName": "Audio Selector 1",
				 "codecSettings": {"codec": "AAC", "aacSettings": {"codecProfile": "LC", "rateControlMode": "CBR", "codingMode": "CODING_MODE_2_0", "bitrate": 128000, "sampleRate": 48000}},
				 "remixSettings": {"channelsIn": 2, "channelsOut": 1, "channelMapping": {"outputChannels": [{"inputChannels": [0, -60]}]}}}]}]},
			{"name": "poster", "outputGroupSettings": {"type": "FILE_GROUP_SETTINGS", "fileGroupSettings": {"destination": "s3://b/encoded/c/l/v1/stills/poster"}},
			 "outputs": [{"extension": "jpg", "containerSettings": {"container": "RAW"}, "videoDescription": {"width": 640, "height": 360,
				"codecSettings": {"codec": "FRAME_CAPTURE", "frameCaptureSettings": {"framerateNumerator": 1, "framerateDenominator": 10, "maxCaptures": 2, "quality": 80}}}}]}
		]}}`

func TestParse(t *testing.T) {
	job, err := parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	if d := destinations(job); len(d) != 2 || below(d[0]) != "encoded/c/l/v1/v" {
		t.Errorf("destinations %q", d)
	}
	if got := pan(job.Settings.OutputGroups[0].Outputs[1].AudioDescriptions[0].RemixSettings); got != "pan=mono|c0=1.0000*c0" {
		t.Errorf("the mix is %s", got)
	}
}

// What this stand-in does not carry out, and what the service would reject, is
// an error that names the member.
func TestParseRejects(t *testing.T) {
	for name, change := range map[string]struct{ from, to, says string }{
		"an unknown member":            {`"timecodeConfig"`, `"adAvailOffset": 0, "timecodeConfig"`, "adAvailOffset"},
		"an unknown member of a codec": {`"gopSize": 2`, `"gopSize": 2, "slices": 4`, "slices"},
		"another group":                {`"CMAF_GROUP_SETTINGS"`, `"HLS_GROUP_SETTINGS"`, "type"},
		"no role":                      {`"arn:aws:iam::111122223333:role/encoder"`, `""`, "role"},
		"a long token":                 {`"clientRequestToken": "t"`, `"clientRequestToken": "` + strings.Repeat("t", 65) + `"`, "clientRequestToken"},
		"a file of this machine":       {`s3://b/uploads/c/l.mp4`, `/etc/passwd`, "fileInput"},
		"a destination without a name": {`s3://b/encoded/c/l/v1/v"`, `s3://b/encoded/c/l/v1/"`, "destination"},
		"two inputs":                   {`"inputs": [`, `"inputs": [{},`, "inputs"},
		"odd sides":                    {`"width": 640, "height": 360, "scalingBehavior"`, `"width": 641, "height": 361, "scalingBehavior"`, "even"},
		"a huge side":                  {`"width": 640, "height": 360, "scalingBehavior"`, `"width": 9000, "height": 360, "scalingBehavior"`, "width"},
		"another rate control":         {`"rateControlMode": "QVBR"`, `"rateControlMode": "VBR"`, "rateControlMode"},
		"a quality of eleven":          {`"qvbrQualityLevel": 7`, `"qvbrQualityLevel": 11`, "qvbrQualityLevel"},
		"no bits":                      {`"maxBitrate": 700000`, `"maxBitrate": 999`, "maxBitrate"},
		"open groups of pictures":      {`"gopClosedCadence": 1`, `"gopClosedCadence": 0`, "gopClosedCadence"},
		"scene changes":                {`"sceneChangeDetect": "DISABLED"`, `"sceneChangeDetect": "ENABLED"`, "sceneChangeDetect"},
		"an unlisted audio rate":       {`"bitrate": 128000`, `"bitrate": 127999`, "bitrate"},
		"sound from nowhere":           {`"audioSourceName": "Audio Selector 1"`, `"audioSourceName": "Audio Selector 2"`, "audioSourceName"},
		"a mix of another size":        {`"channelsIn": 2`, `"channelsIn": 6`, "inputChannels"},
		"too much gain":                {`[0, -60]`, `[7, -60]`, "inputChannels"},
		"no captures":                  {`"maxCaptures": 2`, `"maxCaptures": 0`, "maxCaptures"},
		"another container":            {`"container": "RAW"`, `"container": "MP4"`, "container"},
		"fragments above segments":     {`"fragmentLength": 2`, `"fragmentLength": 7`, "fragmentLength"},
		"more than one document": {`{
	"role"`, `[{
	"role"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(document, change.from, change.to, 1)
			if changed == document {
				t.Fatalf("the document has no %s", change.from)
			}
			if _, err := parse([]byte(changed)); err == nil || !strings.Contains(err.Error(), change.says) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
