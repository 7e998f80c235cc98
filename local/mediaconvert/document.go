package mediaconvert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// The supported part of a job document, with the names of the API. Decoding
// rejects every other member, so no setting is silently ignored.
type (
	createJob struct {
		Role                 string            `json:"role"`
		ClientRequestToken   string            `json:"clientRequestToken"`
		StatusUpdateInterval string            `json:"statusUpdateInterval"`
		UserMetadata         map[string]string `json:"userMetadata"`
		Settings             settings          `json:"settings"`
	}
	settings struct {
		TimecodeConfig struct {
			Source string `json:"source"`
		} `json:"timecodeConfig"`
		Inputs       []input       `json:"inputs"`
		OutputGroups []outputGroup `json:"outputGroups"`
	}
	input struct {
		FileInput      string                   `json:"fileInput"`
		TimecodeSource string                   `json:"timecodeSource"`
		VideoSelector  videoSelector            `json:"videoSelector"`
		AudioSelectors map[string]audioSelector `json:"audioSelectors"`
	}
	videoSelector struct {
		Rotate string `json:"rotate"`
	}
	audioSelector struct {
		DefaultSelection string `json:"defaultSelection"`
	}
	outputGroup struct {
		Name                string        `json:"name"`
		OutputGroupSettings groupSettings `json:"outputGroupSettings"`
		Outputs             []output      `json:"outputs"`
	}
	groupSettings struct {
		Type              string        `json:"type"`
		CMAFGroupSettings *cmafSettings `json:"cmafGroupSettings"`
		FileGroupSettings *fileSettings `json:"fileGroupSettings"`
	}
	cmafSettings struct {
		Destination                     string `json:"destination"`
		SegmentControl                  string `json:"segmentControl"`
		SegmentLength                   int    `json:"segmentLength"`
		SegmentLengthControl            string `json:"segmentLengthControl"`
		FragmentLength                  int    `json:"fragmentLength"`
		WriteHLSManifest                string `json:"writeHlsManifest"`
		WriteDASHManifest               string `json:"writeDashManifest"`
		ManifestDurationFormat          string `json:"manifestDurationFormat"`
		TargetDurationCompatibilityMode string `json:"targetDurationCompatibilityMode"`
		CodecSpecification              string `json:"codecSpecification"`
		StreamInfResolution             string `json:"streamInfResolution"`
		VideoCompositionOffsets         string `json:"videoCompositionOffsets"`
	}
	fileSettings struct {
		Destination string `json:"destination"`
	}
	output struct {
		NameModifier      string             `json:"nameModifier"`
		Extension         string             `json:"extension"`
		ContainerSettings containerSettings  `json:"containerSettings"`
		VideoDescription  *videoDescription  `json:"videoDescription"`
		AudioDescriptions []audioDescription `json:"audioDescriptions"`
	}
	containerSettings struct {
		Container    string        `json:"container"`
		CMFCSettings *cmfcSettings `json:"cmfcSettings"`
	}
	cmfcSettings struct {
		IFrameOnlyManifest string `json:"iFrameOnlyManifest"`
	}
	videoDescription struct {
		Width              int           `json:"width"`
		Height             int           `json:"height"`
		ScalingBehavior    string        `json:"scalingBehavior"`
		VideoPreprocessors preprocessors `json:"videoPreprocessors"`
		CodecSettings      videoCodec    `json:"codecSettings"`
	}
	preprocessors struct {
		ColorCorrector struct {
			ColorSpaceConversion string `json:"colorSpaceConversion"`
		} `json:"colorCorrector"`
	}
	videoCodec struct {
		Codec                string        `json:"codec"`
		H264Settings         *encoder      `json:"h264Settings"`
		H265Settings         *encoder      `json:"h265Settings"`
		FrameCaptureSettings *frameCapture `json:"frameCaptureSettings"`
	}
	encoder struct {
		RateControlMode string `json:"rateControlMode"`
		QVBRSettings    struct {
			QVBRQualityLevel int `json:"qvbrQualityLevel"`
		} `json:"qvbrSettings"`
		MaxBitrate              int     `json:"maxBitrate"`
		QualityTuningLevel      string  `json:"qualityTuningLevel"`
		CodecProfile            string  `json:"codecProfile"`
		CodecLevel              string  `json:"codecLevel"`
		FramerateControl        string  `json:"framerateControl"`
		FramerateNumerator      int     `json:"framerateNumerator"`
		FramerateDenominator    int     `json:"framerateDenominator"`
		ParControl              string  `json:"parControl"`
		ParNumerator            int     `json:"parNumerator"`
		ParDenominator          int     `json:"parDenominator"`
		GOPSizeUnits            string  `json:"gopSizeUnits"`
		GOPSize                 float64 `json:"gopSize"`
		GOPClosedCadence        int     `json:"gopClosedCadence"`
		SceneChangeDetect       string  `json:"sceneChangeDetect"`
		AdaptiveQuantization    string  `json:"adaptiveQuantization"`
		InterlaceMode           string  `json:"interlaceMode"`
		NumberReferenceFrames   int     `json:"numberReferenceFrames"`
		WriteMP4PackagingType   string  `json:"writeMp4PackagingType"`
		UnregisteredSEITimecode string  `json:"unregisteredSeiTimecode"`
	}
	frameCapture struct {
		FramerateNumerator   int `json:"framerateNumerator"`
		FramerateDenominator int `json:"framerateDenominator"`
		MaxCaptures          int `json:"maxCaptures"`
		Quality              int `json:"quality"`
	}
	audioDescription struct {
		AudioSourceName     string     `json:"audioSourceName"`
		CodecSettings       audioCodec `json:"codecSettings"`
		RemixSettings       *remix     `json:"remixSettings"`
		LanguageCodeControl string     `json:"languageCodeControl"`
		CustomLanguageCode  string     `json:"customLanguageCode"`
	}
	audioCodec struct {
		Codec       string `json:"codec"`
		AACSettings *aac   `json:"aacSettings"`
	}
	aac struct {
		CodecProfile    string `json:"codecProfile"`
		RateControlMode string `json:"rateControlMode"`
		CodingMode      string `json:"codingMode"`
		Bitrate         int    `json:"bitrate"`
		SampleRate      int    `json:"sampleRate"`
	}
	remix struct {
		ChannelsIn     int `json:"channelsIn"`
		ChannelsOut    int `json:"channelsOut"`
		ChannelMapping struct {
			OutputChannels []struct {
				InputChannels []int `json:"inputChannels"` // gains in dB
			} `json:"outputChannels"`
		} `json:"channelMapping"`
	}
)

// silence is the gain, in dB, at which a channel is not mixed in.
const silence = -60

// parse reads and checks a job document. The error is the service's message.
func parse(body []byte) (createJob, error) {
	var job createJob
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&job); err != nil {
		return createJob{}, fmt.Errorf("the local MediaConvert does not support this document: %w", err)
	}
	c := checker{}
	c.job(job)
	if len(c.wrong) > 0 {
		return createJob{}, fmt.Errorf("%s", strings.Join(c.wrong, "; "))
	}
	return job, nil
}

type checker struct{ wrong []string }

func (c *checker) check(ok bool, format string, args ...any) {
	if !ok {
		c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
	}
}

// one checks that a value is supported.
func (c *checker) one(path, value string, of ...string) {
	c.check(slices.Contains(of, value), "%s: invalid value %q: must be %s", path, value, strings.Join(of, " or "))
}

// between checks a range of the API's model.
func (c *checker) between(path string, value, least, most int) {
	c.check(least <= value && value <= most, "%s: invalid value %d: must be between %d and %d", path, value, least, most)
}

var (
	roleForm   = regexp.MustCompile(`^arn:aws:iam::\d{12}:role/.+$`)
	objectForm = regexp.MustCompile(`^s3://[^/]+/.+$`)
)

func (c *checker) job(job createJob) {
	c.check(roleForm.MatchString(job.Role), "role: invalid value %q: must be the ARN of a role", job.Role)
	c.check(len(job.ClientRequestToken) <= 64, "clientRequestToken: at most 64 characters")
	s := job.Settings
	c.check(len(s.Inputs) == 1, "settings.inputs: %d inputs: the local MediaConvert takes one", len(s.Inputs))
	for _, in := range s.Inputs {
		c.check(objectForm.MatchString(in.FileInput), "fileInput: invalid value %q: must be s3://BUCKET/KEY", in.FileInput)
		c.one("rotate", in.VideoSelector.Rotate, "AUTO", "DEGREE_0", "")
		c.one("timecodeSource", in.TimecodeSource, "ZEROBASED")
		for _, a := range in.AudioSelectors {
			c.one("defaultSelection", a.DefaultSelection, "DEFAULT")
		}
	}
	conversion := ""
	for i, v := range job.videos() {
		if i == 0 {
			conversion = v.VideoPreprocessors.ColorCorrector.ColorSpaceConversion
		}
		c.one("colorSpaceConversion", v.VideoPreprocessors.ColorCorrector.ColorSpaceConversion, "", "NONE", "FORCE_709")
		c.check(v.VideoPreprocessors.ColorCorrector.ColorSpaceConversion == conversion, "colorSpaceConversion: the local MediaConvert has one for all outputs")
	}
	c.check(len(s.OutputGroups) > 0, "settings.outputGroups: at least one is needed")
	for _, g := range s.OutputGroups {
		c.group(job, g)
	}
}

// videos are the descriptions of all outputs with pictures.
func (j createJob) videos() (list []*videoDescription) {
	for _, g := range j.Settings.OutputGroups {
		for _, o := range g.Outputs {
			if o.VideoDescription != nil {
				list = append(list, o.VideoDescription)
			}
		}
	}
	return list
}

func (c *checker) group(job createJob, g outputGroup) {
	s := g.OutputGroupSettings
	c.check(len(g.Outputs) > 0, "outputs: the group %q has none", g.Name)
	switch s.Type {
	case "CMAF_GROUP_SETTINGS":
		if s.CMAFGroupSettings == nil {
			c.check(false, "cmafGroupSettings: missing in the group %q", g.Name)
			return
		}
		m := s.CMAFGroupSettings
		c.check(objectForm.MatchString(m.Destination) && !strings.HasSuffix(m.Destination, "/"), "destination: invalid value %q: must be s3://BUCKET/FOLDER/NAME", m.Destination)
		c.one("segmentControl", m.SegmentControl, "SEGMENTED_FILES")
		c.one("segmentLengthControl", m.SegmentLengthControl, "GOP_MULTIPLE")
		c.one("writeHlsManifest", m.WriteHLSManifest, "ENABLED")
		c.one("writeDashManifest", m.WriteDASHManifest, "DISABLED")
		c.one("manifestDurationFormat", m.ManifestDurationFormat, "FLOATING_POINT")
		c.one("targetDurationCompatibilityMode", m.TargetDurationCompatibilityMode, "SPEC_COMPLIANT")
		c.one("codecSpecification", m.CodecSpecification, "RFC_6381")
		c.one("streamInfResolution", m.StreamInfResolution, "INCLUDE")
		c.one("videoCompositionOffsets", m.VideoCompositionOffsets, "SIGNED")
		c.between("segmentLength", m.SegmentLength, 1, 60)
		c.between("fragmentLength", m.FragmentLength, 1, m.SegmentLength)
		for _, o := range g.Outputs {
			c.segmented(job, o)
		}
	case "FILE_GROUP_SETTINGS":
		if s.FileGroupSettings == nil {
			c.check(false, "fileGroupSettings: missing in the group %q", g.Name)
			return
		}
		c.check(objectForm.MatchString(s.FileGroupSettings.Destination), "destination: invalid value %q: must be s3://BUCKET/NAME", s.FileGroupSettings.Destination)
		for _, o := range g.Outputs {
			c.captures(o)
		}
	default:
		c.one("type", s.Type, "CMAF_GROUP_SETTINGS", "FILE_GROUP_SETTINGS")
	}
}

func (c *checker) segmented(job createJob, o output) {
	c.one("container", o.ContainerSettings.Container, "CMFC")
	c.check(o.NameModifier != "" && len(o.NameModifier) <= 256, "nameModifier: 1 to 256 characters are needed where a group has several outputs")
	c.check((o.VideoDescription != nil) != (len(o.AudioDescriptions) == 1), "an output of a CMAF group has one video or one audio description")
	if m := o.ContainerSettings.CMFCSettings; m != nil {
		c.one("iFrameOnlyManifest", m.IFrameOnlyManifest, "INCLUDE", "EXCLUDE", "")
	}
	if v := o.VideoDescription; v != nil {
		c.size(v)
		switch v.CodecSettings.Codec {
		case "H_264":
			c.encoder(v.CodecSettings.H264Settings, "HIGH")
		case "H_265":
			c.encoder(v.CodecSettings.H265Settings, "MAIN_MAIN")
			if e := v.CodecSettings.H265Settings; e != nil {
				c.one("writeMp4PackagingType", e.WriteMP4PackagingType, "HVC1")
			}
		default:
			c.one("codec", v.CodecSettings.Codec, "H_264", "H_265")
		}
	}
	for _, a := range o.AudioDescriptions {
		_, ok := job.Settings.Inputs[0].AudioSelectors[a.AudioSourceName]
		c.check(ok, "audioSourceName: no audio selector %q", a.AudioSourceName)
		c.one("codec", a.CodecSettings.Codec, "AAC")
		c.one("languageCodeControl", a.LanguageCodeControl, "", "USE_CONFIGURED", "FOLLOW_INPUT")
		if a.CodecSettings.AACSettings == nil {
			c.check(false, "aacSettings: missing")
			continue
		}
		s := a.CodecSettings.AACSettings
		c.one("codecProfile", s.CodecProfile, "LC")
		c.one("rateControlMode", s.RateControlMode, "CBR")
		c.one("codingMode", s.CodingMode, "CODING_MODE_1_0", "CODING_MODE_2_0")
		c.check(slices.Contains([]int{64000, 80000, 96000, 112000, 128000, 160000, 192000, 224000, 256000, 320000}, s.Bitrate), "bitrate: invalid value %d", s.Bitrate)
		c.check(s.SampleRate == 48000, "sampleRate: invalid value %d: must be 48000", s.SampleRate)
		if r := a.RemixSettings; r != nil {
			c.between("channelsIn", r.ChannelsIn, 1, 64)
			c.between("channelsOut", r.ChannelsOut, 1, 64)
			c.check(len(r.ChannelMapping.OutputChannels) == r.ChannelsOut, "outputChannels: %d are not channelsOut %d", len(r.ChannelMapping.OutputChannels), r.ChannelsOut)
			for _, o := range r.ChannelMapping.OutputChannels {
				c.check(len(o.InputChannels) == r.ChannelsIn, "inputChannels: %d are not channelsIn %d", len(o.InputChannels), r.ChannelsIn)
				for _, gain := range o.InputChannels {
					c.between("inputChannels", gain, silence, 6)
				}
			}
		}
	}
}

func (c *checker) size(v *videoDescription) {
	c.one("scalingBehavior", v.ScalingBehavior, "DEFAULT", "")
	c.between("width", v.Width, 32, 8192)
	c.between("height", v.Height, 32, 8192)
	c.check(v.Width%2 == 0 && v.Height%2 == 0, "width and height must be even: %d and %d", v.Width, v.Height)
}

func (c *checker) encoder(e *encoder, profile string) {
	if e == nil {
		c.check(false, "the codec's settings are missing")
		return
	}
	c.one("rateControlMode", e.RateControlMode, "QVBR")
	c.between("qvbrQualityLevel", e.QVBRSettings.QVBRQualityLevel, 1, 10)
	c.between("maxBitrate", e.MaxBitrate, 1000, 1152000000)
	c.one("qualityTuningLevel", e.QualityTuningLevel, "SINGLE_PASS", "SINGLE_PASS_HQ", "")
	c.one("codecProfile", e.CodecProfile, profile)
	c.one("codecLevel", e.CodecLevel, "AUTO")
	c.one("framerateControl", e.FramerateControl, "SPECIFIED")
	c.between("framerateNumerator", e.FramerateNumerator, 1, 2147483647)
	c.between("framerateDenominator", e.FramerateDenominator, 1, 2147483647)
	c.one("parControl", e.ParControl, "SPECIFIED")
	c.check(e.ParNumerator == 1 && e.ParDenominator == 1, "par: must be 1:1")
	c.one("gopSizeUnits", e.GOPSizeUnits, "SECONDS")
	c.check(e.GOPSize > 0, "gopSize: invalid value %v", e.GOPSize)
	c.check(e.GOPClosedCadence == 1, "gopClosedCadence: must be 1")
	c.one("sceneChangeDetect", e.SceneChangeDetect, "DISABLED")
	c.one("adaptiveQuantization", e.AdaptiveQuantization, "AUTO", "")
	c.one("interlaceMode", e.InterlaceMode, "PROGRESSIVE")
	c.one("unregisteredSeiTimecode", e.UnregisteredSEITimecode, "DISABLED", "")
}

func (c *checker) captures(o output) {
	c.one("container", o.ContainerSettings.Container, "RAW")
	c.one("extension", o.Extension, "jpg", "")
	if o.VideoDescription == nil || o.VideoDescription.CodecSettings.FrameCaptureSettings == nil {
		c.check(false, "an output of a file group needs frameCaptureSettings here")
		return
	}
	c.size(o.VideoDescription)
	c.one("codec", o.VideoDescription.CodecSettings.Codec, "FRAME_CAPTURE")
	f := o.VideoDescription.CodecSettings.FrameCaptureSettings
	c.between("framerateNumerator", f.FramerateNumerator, 1, 2147483647)
	c.between("framerateDenominator", f.FramerateDenominator, 1, 2147483647)
	c.between("maxCaptures", f.MaxCaptures, 1, 10000000)
	c.between("quality", f.Quality, 1, 100)
}
