"""Invented names: people, roads, settlements. Nothing here stands for a real person or place."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

SURNAMES = tuple(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
)
GIVEN = tuple(
    "伟芳娜敏静强磊军洋勇艳杰娟涛明超兰霞平刚桂英华玉红建国志文辉力鹏宇晨欣宁琳波峰飞彬颖梅莉鑫丽娇凯悦"
)
_STEM_TEXT = (
    "永安长兴福民育才兴业工农胜利东风向阳康宁富强友谊朝阳青年民主光华迎春丰收锦绣翠竹金桥银杏玉兰桂花海棠梧桐紫荆芙蓉牡丹月季松柏杨柳清泉碧水明月星光晨曦彩虹瑞祥德馨"
    "崇文尚德明礼诚信厚德博学致远弘毅勤学敬业安居乐业和谐惠民利民便民爱民为民富民裕民昌盛隆兴宏达鸿运腾飞奋进创新开元启明天成万象千禧世纪新安同心同乐同庆共青红旗建安"
    "永康永乐永清长春长青长虹春晖春华秋实夏荷冬青北苑南苑东苑西苑书院学府文庙鼓楼钟楼城隍关帝状元魁星贡院仓前粮库纺织机械电力邮电车站货场苗圃花园果园菜园鱼市木市布市"
)
STEMS = tuple(_STEM_TEXT[k : k + 2] for k in range(0, len(_STEM_TEXT), 2))
LUCK = "福康泰和兴隆昌瑞祥德仁义信嘉顺裕宏景云华"
FORTUNE = "宁安平源盛达荣茂丰林泽海山川园苑"
HAMLET_ENDS = ("庄", "楼", "寨", "营", "集", "口", "堂", "店", "岗", "桥", "阁", "洼", "堤", "坊", "屯", "园")
STREETS = ("城关街道", "东湖街道", "西苑街道", "新城街道")
TOWNS = ("柳河镇", "青石镇", "白沙镇", "双桥镇", "大营镇", "石佛镇", "平安镇", "金堤镇", "云台镇", "黄岗镇")
TOWNSHIPS = ("梨园乡", "杏林乡", "三里乡", "芦塘乡", "枣林乡", "古渡乡")
NUMERALS = ("一", "二", "三", "四", "五", "六", "七", "八", "九", "十")


def numeral(number: int) -> str:
    """Return 1 to 99 in Chinese numerals."""
    tens, ones = divmod(number, 10)
    head = "" if tens == 0 else "十" if tens == 1 else NUMERALS[tens - 1] + "十"
    return head + (NUMERALS[ones - 1] if ones else "")


def people(rng: np.random.Generator, count: int) -> list[str]:
    """Return `count` different personal names."""
    names: dict[str, None] = {}
    while len(names) < count:
        given = "".join(rng.choice(GIVEN, int(rng.choice([1, 2], p=[0.25, 0.75])), replace=False))
        names[str(rng.choice(SURNAMES)) + given] = None
    return list(names)


def stems(rng: np.random.Generator) -> Iterator[str]:
    """Yield road-name stems, each once, in an order drawn from `rng`."""
    order = [str(s) for s in rng.permutation(np.array(STEMS))]
    yield from order
    pairs = [a + b for a in LUCK for b in FORTUNE if a + b not in STEMS]
    yield from (str(s) for s in rng.permutation(np.array(pairs)))
    raise ValueError("no road names are left")


def hamlets(rng: np.random.Generator) -> Iterator[str]:
    """Yield settlement names such as 王庄, each once."""
    order = rng.permutation(len(SURNAMES) * len(HAMLET_ENDS))
    for k in order:
        yield SURNAMES[int(k) % len(SURNAMES)] + HAMLET_ENDS[int(k) // len(SURNAMES)]
    raise ValueError("no settlement names are left")
