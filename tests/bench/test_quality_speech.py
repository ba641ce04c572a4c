from whisper_proxy.audio import wav_bytes

from bench.quality.speech import novel_texts, prompt_texts, wav_seconds

# As pocketsphinx-testdata and asterisk-core-sounds-en have them.
TRANSCRIPTION = """\
<s> he was not an ill disposed young man </s> (sense_and_sensibility_01_austen_64kb-0880)
<s> he might even have been made amiable himself </s> (sense_and_sensibility_01_austen_64kb-0930)
"""
LISTING = """\
; Core Asterisk Sounds in English

activated: Activated.
agent-alreadyon: That agent is already logged on.  Please enter your agent number.
vm-tocallback: press 2 for: a call
"""


def test_the_texts_of_the_novel():
    assert novel_texts(TRANSCRIPTION) == {
        "sense_and_sensibility_01_austen_64kb-0880": "he was not an ill disposed young man",
        "sense_and_sensibility_01_austen_64kb-0930": "he might even have been made amiable himself",
    }


def test_the_texts_of_the_prompts():
    assert prompt_texts(LISTING) == {
        "activated": "Activated.",
        "agent-alreadyon": "That agent is already logged on.  Please enter your agent number.",
        "vm-tocallback": "press 2 for: a call",
    }


def test_a_wav_file_has_its_length():
    assert wav_seconds(wav_bytes(bytes(2 * 24000))) == 1.5
