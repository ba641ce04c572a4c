"""The formats that are decoded, by the names of ffmpeg's demuxers.

All that find sound in the one file that they are given. Left out are those that open what the file
names (concat, dash, hls, imf, image2, mlv, rtsp, sdp, vobsub, avisynth), devices, samples without a
header, pictures, subtitles, bare video, and music that is a score, not a recording (libgme,
libopenmpt, sbg). It is an allowlist, as new versions of ffmpeg bring new ones. Of a demuxer with
several names the first is enough; names that an ffmpeg does not know do no harm.
"""

DEMUXERS = (
    "3dostr,4xm,aa,aac,aax,ac3,ac4,ace,acm,act,adp,ads,adx,aea,afc,aiff,aix,alp,amr,amrnb,"
    "amrwb,apac,apc,ape,apm,aptx,aptx_hd,argo_asf,argo_brp,argo_cvg,asf,asf_o,ast,au,avi,avr,avs,"
    "bethsoftvid,bfi,bfstm,bink,binka,boa,bonk,brstm,c93,caf,cdxl,codec2,daud,dcstr,derf,dfpwm,"
    "dhav,dsf,dsicin,dss,dts,dtshd,dv,dxa,ea,eac3,epaf,film_cpk,flac,flv,fsb,fwse,g722,g723_1,"
    "g726,g726le,g728,g729,gdv,genh,gsm,gxf,hca,hcom,hnm,iamf,idcin,iff,ifv,ilbc,ipmovie,ircam,"
    "iss,iv8,ivr,jv,kux,kvag,laf,lc3,live_flv,lmlm4,loas,luodat,lvf,lxf,matroska,mca,mgsts,mlp,"
    "mm,mmf,mods,moflex,mov,mp3,mpc,mpc8,mpeg,mpegts,msf,msnwctcp,mtaf,mtv,musx,mv,mvi,mxf,mxg,"
    "nc,nistsphere,nsp,nsv,nut,nuv,ogg,oma,osq,paf,pmp,pp_bnk,psxstr,pva,pvf,qcp,qoa,r3d,"
    "redspark,rka,rl2,rm,roq,rpl,rsd,rso,sbc,scd,sdns,sds,sdx,shn,siff,sln,smjpeg,smk,smush,"
    "sol,sox,spdif,svag,svs,swf,tak,thp,tiertexseq,tmv,truehd,tta,ty,vag,vividas,vivo,vmd,voc,"
    "vpk,vqf,w64,wady,wav,wavarc,wc3movie,wsaud,wsd,wsvqa,wtv,wv,wve,xa,xmd,xmv,xvag,xwma,yop"
)
