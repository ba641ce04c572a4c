// The microphone.

const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];
// As a chat message is recorded: clear speech, 0.5 MB a minute.
const BITS_PER_SECOND = 64000;
// What makes calls pleasant costs words here: with them, "Americans ask" was heard as "American asked".
const AUDIO = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: true };

// Error names of getUserMedia (Media Capture and Streams, section 10.2).
const PROBLEMS = {
  NotAllowedError: "The browser does not let this page use the microphone. Allow it beside the address, then record again.",
  NotFoundError: "No microphone was found. Plug one in, then record again.",
  NotReadableError: "The microphone cannot be used; another program may have it. Close that, then record again.",
};

/** Why there is no microphone for this page, in one line; "" where there may be one. */
export function whyNoMicrophone() {
  if (!window.isSecureContext) {
    return "No microphone here: browsers give it to pages over HTTPS or on localhost only. The deploy's setting proxy_tls turns HTTPS on.";
  }
  const able = navigator.mediaDevices?.getUserMedia && window.MediaRecorder;
  return able ? "" : "This browser cannot record.";
}

/** What to say of an error of `record`. */
export function microphoneProblem(error) {
  return PROBLEMS[error.name] ?? `The microphone cannot be used: ${error.message}`;
}

/**
 * Begin to record. Raises what getUserMedia raises.
 *
 * Returns {stop, level, ended}: stop() resolves to the recording, level() is how loud it is, 0 to 1;
 * `ended` resolves when the microphone has gone, as when it is unplugged.
 */
export async function record() {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: AUDIO });
  try {
    return begin(stream);
  } catch (error) {
    release(stream);
    throw error;
  }
}

// The browser shows that the microphone is on until then.
function release(stream) {
  stream.getTracks().forEach((track) => track.stop());
}

function begin(stream) {
  const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
  const recorder = new MediaRecorder(stream, { mimeType, audioBitsPerSecond: BITS_PER_SECOND });
  const meter = listen(stream);
  const chunks = [];
  recorder.ondataavailable = (event) => chunks.push(event.data);
  const stopped = new Promise((resolve) => { recorder.onstop = resolve; });
  recorder.start(1000);
  return {
    level: meter.level,
    ended: stopped,
    async stop() {
      if (recorder.state !== "inactive") recorder.stop();
      await stopped;
      release(stream);
      meter.close();
      return new Blob(chunks, { type: recorder.mimeType });
    },
  };
}

function listen(stream) {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  return { close: () => context.close(), level: () => loudness(analyser, samples) };
}

// Root mean square in decibels: -60 dB is as good as silent, -10 dB is loud speech.
function loudness(analyser, samples) {
  analyser.getFloatTimeDomainData(samples);
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  return Math.min(1, Math.max(0, (10 * Math.log10(power + 1e-9) + 60) / 50));
}
