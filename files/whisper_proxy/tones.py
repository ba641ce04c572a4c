"""A tone of a tenth of a second, in the formats that most recordings come in.

Made by ffmpeg 5.1: sine=f=440, mono, 16 kHz; libmp3lame at 8 kbit/s, libopus in WebM, aac in MP4.
"""

from base64 import b85decode
from zlib import decompress

_PACKED = {
    "MP3": (
        "c-s5_S>gx-%MYfr2b~!h|1zj`@&iE)5Hl3c|7UOiU%*pe|36R-GwY751B??57$vT|Bs*?vy1?71cwoI)Pv<@"
        "53eo?UG$CqM#C0%UVPFt#S7GO5ZsFj6v4D|5Vv2spZ>>%LQXWFo6eJZeFz!$>5c(<D%9DD^q@uIvX!okOC)R"
        "x1x@*#QkQx@&A4xe33>6BFp$8imtN-Ke&|zk{YN5b$ZP7RD|3Cn7574e?28RFF3szR%7HH|VpTiJjVZ(9bhh"
        "M^3o+}VF3z7~nPBLKlxznsm#eln`i-T=x<9nGBp_GMISt_0oH5{pb7>{u<Y83>`W@reskeGHhY|r8eovfigj"
        "=rv;0E#1cP5"
    ),
    "Opus": (
        "c-oV4y}x+AQ(GgW({~{L)X3uWxsk)EsiizMDc7kT$Zc(8k_c`{XJh~YCUZgG*(JMtcXtP`ZV~ldnHIdJaUp~"
        "!7P2lI$UEk{y9dY<3OSq}yrzlK0K%0C-VKy&Vp4nqF^3_NfmQ(Iss&otH#YM-IruiT_#~F4g*$>Nm(C7{Xow"
        "<^W1p^rx+Ug%BV+N=4yb;{IgJcTTjw;F=B0ErGPJch#`_0^28XR`R^;yv+ug!)WD7%cBh$l)^BWnrb~v1O0B"
        "cH0X%t9aG}*tPwAdpxF@=%Qg0aC4ECULNOU1?KlMi$!BkV{&G1GN%yQ`nGzl&>-OM4H{dC3YnnMwIT1JX|{a"
        "$Vfv5*p+f;_2__(mut&zzU4?3=J#{z<_~4-g#T8!<6TZ42vf>GB7l7H0L&5koo&|#?#)Fk3-WI&uC;2ZQxig"
        "729ePdO+adaqnZs{|mpgJI`G_rIA6ifn%Y*z>~#48jqZ@W%#<}VFgIk7AR_Qq1<RyjQ0#KktH>cIzUDT!bIa"
        "HFg{x!J6mDF{DspR8B!TInop^8P0o_oac;Aj`h*4koQFymwJ@ChmjH_DiM#tZH!^JR0w$@CO^ody8kqrN49a"
        ")"
    ),
    "AAC": (
        "c-muNV30{GsVvAW&d+6FU}6B#Kx~v-U}DI?z`&7Kl$y%Gz?hkvl32p1=C8?_7WTaU(yuFfy(hU$Qt2>S^IYp"
        "(`tqD>k}q$*ymmI)<9K9FSlFqQl>wHQPW}4g|L%3OlB<Kn-GYP^kBMG6H#Yz&Z_Uj`i(GX!ohAzHVPu(di?h"
        "^a*P_@+zxn?c|KI<3ZB};N{{Q^{>#wgf&9kllC;zv8-qs_#@Be@N|NNiIYfB!eKDIq?^Z7i>o>}idgzxSx->"
        "dR6Sk(IRxi6ph+Pp9J`|>LI<ecZh=ZizrKAOdgrhOG&@}_nB&Ykz>&wWvO?`N&t&sw{lpR&&<Ki{-|x!uHXF"
        "Rpk<NJvb0=D7I*qr}u+YrQwq9dG}C_y7K1tH<G{|G(NV|5dm$v;O)2H}O)_#h4tM68czI=1N<H+&tWH9LV*P"
        "=G59;x#gkB*-b)1GcDe(`n4X24o11<s;4z&r~y%P1EWOamI7b|{L0PGF9QaAPHtI73IhsYegPz!7#JBq2mu&"
        "TRiX1881MonAo46JO3VhbV@k5Yb~0lztqEC-k#u`iQd3HbfwW9&PH_p64xqU#P`!)?b5k-CfeeM*6m-AaH83"
        "#nD1;sXb96IOa*ALw#rdUq$SQ+@{1lJGyp)_&kQ&CE+|0Z*AVZ)y7sXJO6o|M?N>OSWl7o0ki*ghoY(|6PlB"
        "66UyRNvTI0Z>f9x!(#VtAX0K>+4dATUcUPALXQTSG&GDo_~<kQR3k1xs4o0by342&)K3*i!~JAd3+g6$~OtB"
        "}LHSfv5omM{x-_=%CRBiXIl2%^;V`09}`i<QfoWfzm2Kxhf=IgTz6}s~3nPftVF!XK_h#K9YVNAeJglFGvA#"
        "it=-Ep!PEU{|~k;DZPLJA%kq2ZD~pgC|pc)Q%hjsqlg??zz8l%EGWo9jxdf)V2S_$oD3%g"
    ),
}
TONES = {name: decompress(b85decode(packed)) for name, packed in _PACKED.items()}
